/** One worker process: the proxy as it runs alone, which hears from the primary instead of from signals. */
import cluster from 'node:cluster';
import type { Texts } from '../config/files.ts';
import type { Config } from '../config/load.ts';
import type { Log } from '../log.ts';
import { run, type Running, type Siblings } from '../proxy/run.ts';
import { workerCount } from './primary.ts';
import { isOurs, type Counts, type FromPrimary, type FromWorker } from './messages.ts';
import type { Collected } from './metrics.ts';

/** The configuration's files as the primary has read and checked them; those on the disk may be others by now. */
export function textsOfPrimary(): Promise<Texts> {
  return new Promise((resolve) => {
    const heard = (message: unknown): void => {
      if (!isOurs<FromPrimary>(message) || message.interlock !== 'config') return;
      process.off('message', heard);
      resolve(message.texts);
    };
    process.on('message', heard);
    tell({ interlock: 'started' });
  });
}

/**
 * Resolves with the exit code when the primary, or its end, has ended the proxy.
 * @param load reads a configuration from texts that the primary has checked
 */
export async function runWorker(config: Config, load: (texts: Texts) => Config, log: Log): Promise<number> {
  // A terminal and some supervisors signal all processes of a group; what is to be done, the primary says.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  // The primary has gone while Node itself was telling it something: 'disconnect' follows.
  cluster.worker?.on('error', () => undefined);
  const siblings = new Others();
  let running: Running | undefined;
  const exchangeRules = (texts: Texts): void => {
    try {
      running?.exchangeRules({ config: load(texts), texts });
    } catch (error) {
      // The primary could read them: a file that they name (a certificate) has gone since.
      log.error({ problem: String(error) }, 'rules not read: this worker keeps the old ones');
    }
  };
  const ended = new Promise<number>((resolve) => {
    const abort = (): void => {
      running?.abort();
      resolve(1);
    };
    process.once('disconnect', abort);
    process.on('message', (message: unknown) => {
      if (!isOurs<FromPrimary>(message)) return;
      if (message.interlock === 'sessions') siblings.elsewhere(message);
      else if (message.interlock === 'cancel') siblings.onCancel?.(message.key);
      else if (message.interlock === 'reload') running?.reload();
      else if (message.interlock === 'config') exchangeRules(message.texts);
      else if (message.interlock === 'metrics') void siblings.sendMetrics();
      else if (message.interlock === 'abort' || running === undefined) abort();
      else void running.drain().then(() => resolve(0));
    });
  });
  try {
    running = await run(ownPart(config), log, { siblings });
  } catch (error) {
    tell({ interlock: 'failed', message: (error as Error).message });
    return 1;
  }
  tell({ interlock: 'ready' });
  return ended;
}

/** There is one admin port, the primary's; what all sessions may remember is shared out. */
function ownPart(config: Config): Config {
  const memoryBytes = Math.floor(config.memoryBytes / workerCount(config.workers));
  return { ...config, memoryBytes, admin: undefined };
}

class Others implements Siblings {
  onCancel: ((key: string) => void) | undefined;
  registry: Siblings['registry'];
  #sessions = 0;
  readonly #clients = new Map<string, number>();
  #own = 0;
  /** What is to be told of clients' addresses. */
  readonly #changed = new Map<string, number>();
  #due = false;

  finding: Siblings['finding'] = (entry) => tell({ interlock: 'finding', entry });
  learned: Siblings['learned'] = (seen) => tell({ interlock: 'learned', seen });
  cancel: Siblings['cancel'] = (key) => tell({ interlock: 'cancel', key });
  listening: Siblings['listening'] = (listener, address, port) =>
    tell({ interlock: 'listening', listener, address, port });

  async sendMetrics(): Promise<void> {
    tell({ interlock: 'metrics', metrics: ((await this.registry?.getMetricsAsJSON()) ?? []) as Collected });
  }

  connections(client?: string): number {
    return client === undefined ? this.#sessions : (this.#clients.get(client) ?? 0);
  }

  elsewhere({ count, clients }: Counts): void {
    this.#sessions = count;
    for (const [address, its] of clients) {
      if (its > 0) this.#clients.set(address, its);
      else this.#clients.delete(address);
    }
  }

  /** Once a turn of the event loop, however many come and go in it. */
  ownConnections(count: number, client: string, its: number): void {
    this.#own = count;
    this.#changed.set(client, its);
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      tell({ interlock: 'sessions', count: this.#own, clients: [...this.#changed] });
      this.#changed.clear();
    });
  }
}

function tell(message: FromWorker): void {
  if (cluster.worker?.isConnected() === true) cluster.worker.send(message, () => undefined);
}
