/** A session as the proxy would make it, with rules given by hand and everything that sessions share made anew. */
import { FactsCache } from '../../src/facts/cache.ts';
import type { Mode, Rule, SplitDeleteRule, UnlockedReadRule } from '../../src/patterns/rule.ts';
import { splitDeleteSettings } from '../../src/patterns/split-delete/settings.ts';
import { unlockedReadSettings } from '../../src/patterns/unlocked-read-after-unique-violation/settings.ts';
import { Budget } from '../../src/memory/budget.ts';
import { Breaker } from '../../src/session/breaker.ts';
import { Cancels } from '../../src/session/cancels.ts';
import { GuardQueue } from '../../src/session/guard-queue.ts';
import { createPostgresSession } from '../../src/session/postgres/session.ts';
import type {
  RuleSet,
  Session,
  SessionInfo,
  SessionLimits,
  SharedState,
  StatementRecorder,
  TlsPolicy,
} from '../../src/session/types.ts';
import { loadWitness } from '../../src/sql/witness/postgres.ts';
import type { Witness } from '../../src/sql/witness/types.ts';

export interface RuleOptions {
  mode: Mode;
  tablesNamed: boolean;
  /** Settings as in the config file. */
  splitDelete?: Record<string, unknown>;
  unlockedRead?: Record<string, unknown>;
}

/** Both patterns on every table. Mode off: no rule at all, so that no statement is looked at. */
export function ruleSet({ mode, tablesNamed, splitDelete = {}, unlockedRead = {} }: RuleOptions): RuleSet {
  const common = { match: {}, mode, tablesNamed };
  const split: SplitDeleteRule = {
    ...common,
    id: 'test/split-delete',
    pattern: 'split-delete',
    settings: splitDeleteSettings.parse(splitDelete),
  };
  const reread: UnlockedReadRule = {
    ...common,
    id: 'test/unlocked-read',
    pattern: 'unlocked-read-after-unique-violation',
    settings: unlockedReadSettings.parse(unlockedRead),
  };
  const rules: Rule[] = mode === 'off' ? [] : [split, reread];
  const session = {
    active: rules.length > 0,
    ruleFor: (pattern: Rule['pattern']): Rule | undefined => rules.find((rule) => rule.pattern === pattern),
  };
  return { forSession: () => session };
}

/** A session of which nothing is known that rules could match. */
export const anybody: SessionInfo = { listener: '', user: '', database: '', application: '' };

export const plainLimits: SessionLimits = {
  messageBytes: 1 << 24,
  /** Small, so that a recording can be longer. */
  inspectBytes: 1 << 13,
  rememberedIds: 10_000,
  preparedStatements: 1000,
  heldBytes: 1 << 20,
  evidenceTimeout: 200,
};

/** Loading the grammar takes a moment: one for all sessions, as in the proxy. */
export const realWitness: Witness = await loadWitness();

export function sharedState(witness: Witness = realWitness): SharedState {
  return {
    witness: () => witness,
    facts: new FactsCache(),
    guards: new GuardQueue(),
    breaker: new Breaker(),
    looks: new Breaker(),
    cancels: new Cancels(),
    memory: new Budget(Infinity),
  };
}

export function makeSession(
  rules: RuleSet,
  shared: SharedState = sharedState(),
  limits: Partial<SessionLimits> = {},
  tls?: TlsPolicy,
  recorder?: StatementRecorder,
): (wakeSoon: () => void) => Session {
  return (wakeSoon) =>
    createPostgresSession({
      listener: 'test',
      rules,
      limits: { ...plainLimits, ...limits },
      shared,
      server: 'fake:5432',
      ...(tls !== undefined && { tls }),
      ...(recorder !== undefined && { recorder }),
      wakeSoon,
    });
}
