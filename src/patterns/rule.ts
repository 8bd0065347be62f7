/** A rule: which sessions and tables a pattern applies to, and how. Loaded by config, matched by the session. Public API. */
import type { PatternId } from './types.ts';
import type { AnticipateSettings } from './anticipate/settings.ts';
import type { SplitDeleteSettings } from './split-delete/settings.ts';
import type { UnlockedReadSettings } from './unlocked-read-after-unique-violation/settings.ts';

export type Mode = 'off' | 'observe' | 'rewrite';

export interface RuleMatch {
  listeners?: string[];
  databases?: string[];
  users?: string[];
  applications?: string[];
  /** Glob patterns (`*`, `?`) over `table` or `schema.table`. */
  tables?: string[];
  not_tables?: string[];
}

interface RuleBase<P extends PatternId, S> {
  id: string;
  pattern: P;
  mode: Mode;
  /** Share of the sessions, in (0, 1], to which the mode rewrite applies; the others are observed. */
  canary?: number;
  /** Of a session outside of the canary, with the setting `guard: all`: the plan's guard is taken, then the original is sent. */
  guardOnly?: boolean;
  /** Looks around observed statements, and counts what the race did: see evidence.ts. */
  evidence?: boolean;
  match: RuleMatch;
  settings: S;
  /** The operator named the tables (match.tables, --tables, or --mode rewrite): a split delete may be rewritten. */
  tablesNamed: boolean;
}

export type SplitDeleteRule = RuleBase<'split-delete', SplitDeleteSettings>;
export type UnlockedReadRule = RuleBase<'unlocked-read-after-unique-violation', UnlockedReadSettings>;
export type AnticipateRule = RuleBase<'anticipate', AnticipateSettings>;
export type Rule = SplitDeleteRule | UnlockedReadRule | AnticipateRule;
