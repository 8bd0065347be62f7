/** A transcript in, for each statement what Interlock sees in it out. Pure; the same core as in the proxy. */
import type { IsolationLevel } from '../memory/isolation.ts';
import type { TransactionStatus } from '../memory/types.ts';
import type { SessionRules } from '../session/types.ts';
import type { Dialect, Shape } from '../sql/shape.ts';
import type { Witness } from '../sql/witness/types.ts';
import { AssumedCatalog, type KnownTable } from './assumed.ts';
import { plainLexer } from './dialect.ts';
import { Playback, type Verdict } from './playback.ts';
import { presume } from './presume.ts';
import type { Said, Transcript } from './said.ts';

export interface ExplainOptions {
  dialect: Dialect;
  witness: Witness;
  rules: SessionRules;
  tables?: ReadonlyMap<string, KnownTable>;
  /** Default: READ COMMITTED on PostgreSQL, REPEATABLE READ on MySQL and MariaDB, as servers come. */
  isolation?: IsolationLevel;
}

export interface ExplainedStatement {
  session: string;
  line: number;
  sql: string;
  shape: string;
  status: TransactionStatus;
  fingerprint: string;
  /** What the input does not tell and was put in. */
  presumed?: string;
  finding?: Finding;
}

export interface Finding extends Pick<Verdict, 'pattern' | 'decision' | 'reason' | 'guard' | 'rows'> {
  rule: string;
  table: string;
  /** The statement as the application sent it, and what would be sent in its place. */
  before: string;
  after?: string[];
  assumed: string[];
}

export function explain({ said, lacks }: Transcript, options: ExplainOptions): ExplainedStatement[] {
  const { dialect, witness, rules, tables } = options;
  const lexer = plainLexer(dialect);
  const isolation = options.isolation ?? (dialect === 'postgres' ? 'read committed' : 'repeatable read');
  const sessions = new Map<string, Said[]>();
  for (const one of said) {
    const mine = sessions.get(one.session);
    if (mine === undefined) sessions.set(one.session, [one]);
    else mine.push(one);
  }
  const out: ExplainedStatement[] = [];
  for (const mine of sessions.values()) {
    const catalog = new AssumedCatalog(dialect, tables);
    const playback = new Playback({ lexer, witness, catalog, rules, isolation });
    for (const one of presume(mine, lexer, lacks === undefined || !lacks.includes('errors')))
      out.push(explained(one, playback));
  }
  return out.toSorted((a, b) => a.line - b.line);
}

function explained(said: Said, playback: Playback): ExplainedStatement {
  const { shape, status, fingerprint, verdict } = playback.say(said);
  const { session, line, sql, presumed } = said;
  return {
    session,
    line,
    sql,
    shape: nameOf(shape),
    status,
    fingerprint,
    ...(presumed !== undefined && { presumed }),
    ...(verdict !== undefined && { finding: findingOf(verdict, sql) }),
  };
}

function findingOf(verdict: Verdict, sql: string): Finding {
  const { pattern, rule, table, rows, decision, reason, sent, guard, assumed } = verdict;
  return {
    pattern,
    rule: rule.id,
    table: toText(table.schema === undefined ? table.name : `${table.schema}.${table.name}`),
    rows,
    decision,
    ...(reason !== undefined && { reason }),
    ...(guard !== undefined && guard !== 'none' && { guard }),
    before: sql,
    ...(sent !== undefined && { after: sent.map((text) => text.toString('utf8')) }),
    assumed: assumed.map(toText),
  };
}

/** The core's texts are bytes as latin1. */
function toText(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** In the words of the design: `delete by list`, `locking select`, … */
export function nameOf(shape: Shape): string {
  switch (shape.kind) {
    case 'select':
      return shape.locking ? 'locking select' : 'select';
    case 'delete':
      return shape.list === undefined ? 'delete' : 'delete by list';
    case 'insert':
      return shape.quiet ? 'insert that may do nothing' : 'insert';
    case 'other':
      return shape.why === 'unknown' ? 'other' : `other (${shape.why})`;
    default:
      return shape.kind;
  }
}
