/** Rules are read anew while the proxy runs: what that means to it, its log and its metrics. */
import { Reload, type Loaded, type ReloadOptions, type Reloaded } from '../config/reload.ts';
import type { Log } from '../log.ts';
import type { Running } from './run.ts';

/** Watches the files from now on. */
export function reloadRules(
  first: Loaded,
  load: ReloadOptions['load'],
  running: Pick<Running, 'exchangeRules' | 'reloads'>,
  log: Log,
): Reload {
  const apply = (loaded: Loaded): void => running.exchangeRules(loaded);
  const told = (outcome: Reloaded): void => {
    running.reloads.reloaded(outcome.done);
    tell(log, outcome);
  };
  const reload = new Reload({ first, load, apply, told });
  reload.watch();
  return reload;
}

function tell(log: Log, outcome: Reloaded): void {
  if (!outcome.done) {
    log.error({ problems: outcome.problems }, 'rules not read: the old ones stay in use');
    return;
  }
  const { rules, changed, needRestart } = outcome;
  log.info({ rules, changed }, 'rules read anew');
  if (needRestart.length > 0)
    log.warn({ keys: needRestart }, 'changed in the file, but read at start only: restart to use it');
}
