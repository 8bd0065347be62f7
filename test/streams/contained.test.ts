/**
 * A defect of Interlock costs one session its understanding and nobody a reply: every function that understands, plans or
 * rewrites is made to throw, at each call that a recorded conversation makes of it. What the client gets is what it would
 * get directly; or, where the edited statement is out already, an error and the end.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FactsCache } from '../../src/facts/cache.ts';
import { TransactionMemory } from '../../src/memory/memory.ts';
import { GuardQueue } from '../../src/session/guard-queue.ts';
import { MysqlExecution } from '../../src/session/mysql/execution.ts';
import type { RuleSet, SessionEvent, SharedState } from '../../src/session/types.ts';
import { curatedCaptures } from './captures.ts';
import { capturedCatalog } from './catalog.ts';
import { conversations } from './conversation.ts';
import { curatedCaptures as mysqlCaptures } from './mysql/captures.ts';
import { capturedCatalog as mysqlCatalog } from './mysql/catalog.ts';
import { conversations as mysqlConversations } from './mysql/conversation.ts';
import { direct, mysqlShared, through } from './mysql/through.ts';
import { replay, replayDirect } from './replay.ts';
import { sharedState } from './session.ts';

/** Which call of which stage throws. */
const faults = vi.hoisted(() => {
  const state = { stage: '', left: 0, calls: 0 };
  return {
    state,
    /** To be called by each stage. */
    reached(stage: string): void {
      if (stage !== state.stage) return;
      state.calls += 1;
      if (state.calls === state.left) throw new RangeError("injected, with a literal: 'secret-4711'");
    },
    arm(stage: string, call: number): void {
      Object.assign(state, { stage, left: call, calls: 0 });
    },
    /** Every exported function of a module as a stage of its name. */
    wrapped(module: Record<string, unknown>): Record<string, unknown> {
      const wrap = ([name, value]: [string, unknown]): [string, unknown] => {
        if (typeof value !== 'function' || /^[A-Z]/.test(name)) return [name, value];
        return [
          name,
          (...args: unknown[]): unknown => {
            this.reached(name);
            return (value as (...all: unknown[]) => unknown)(...args);
          },
        ];
      };
      return Object.fromEntries(Object.entries(module).map(wrap));
    },
  };
});

type Module = Record<string, unknown>;
vi.mock('../../src/sql/classify.ts', async (original) => faults.wrapped(await original<Module>()));
vi.mock('../../src/sql/rewrites.ts', async (original) => faults.wrapped(await original<Module>()));
vi.mock('../../src/sql/rewrites-mysql.ts', async (original) => faults.wrapped(await original<Module>()));
vi.mock('../../src/patterns/detect.ts', async (original) => faults.wrapped(await original<Module>()));
vi.mock('../../src/patterns/split-delete/detect.ts', async (original) =>
  faults.wrapped(await original<Module>()),
);
vi.mock('../../src/patterns/split-delete/plan.ts', async (original) =>
  faults.wrapped(await original<Module>()),
);
vi.mock('../../src/patterns/split-delete/plan-mysql.ts', async (original) =>
  faults.wrapped(await original<Module>()),
);
vi.mock('../../src/patterns/guard.ts', async (original) => faults.wrapped(await original<Module>()));
vi.mock('../../src/patterns/unlocked-read-after-unique-violation/detect.ts', async (original) =>
  faults.wrapped(await original<Module>()),
);
vi.mock('../../src/patterns/unlocked-read-after-unique-violation/plan.ts', async (original) =>
  faults.wrapped(await original<Module>()),
);
vi.mock('../../src/patterns/unlocked-read-after-unique-violation/plan-mysql.ts', async (original) =>
  faults.wrapped(await original<Module>()),
);
vi.mock('../../src/facts/postgres.ts', async (original) => faults.wrapped(await original<Module>()));
vi.mock('../../src/facts/mysql.ts', async (original) => faults.wrapped(await original<Module>()));

vi.mock('./session.ts', async (original) => {
  const real = await original<typeof import('./session.ts')>();
  return {
    ...real,
    ruleSet: (options: Parameters<typeof real.ruleSet>[0]): RuleSet => {
      const rules = real.ruleSet(options);
      return {
        forSession: (info) => {
          faults.reached('forSession');
          return rules.forSession(info);
        },
      };
    },
  };
});

const stages = [
  // classification, memory, detection
  ...['classify', 'completed', 'ready', 'arriving', 'wantsRows', 'remembers'],
  ...['detect', 'detectSplitDelete', 'detectUnlockedRead', 'catalogChange', 'movesDatabase'],
  // facts and guard
  ...[
    'cacheGet',
    'cacheSet',
    'factsQuery',
    'readFacts',
    'mysqlLookUps',
    'mysqlFurtherLookUps',
    'readMysqlFacts',
  ],
  ...['acquire', 'guardKey', 'guardKeyMysql'],
  // planning, rewriting, proof
  ...['planSplitDelete', 'planSplitDeleteMysql', 'planUnlockedRead', 'planUnlockedReadMysql', 'refusedKey'],
  ...['refusedChunks', 'deleteBySubselect', 'lockingRead', 'multiTableDelete'],
  ...['keyProbe', 'lockByKey', 'agrees', 'provesDelete', 'provesLockingRead'],
];
/** Not contained where it happens: the end of a reply is at stake. */
const ending = 'outcome';
const mostCalls = process.env['INTERLOCK_TEST_LONG'] === '1' ? 1000 : 12;

for (const name of ['completed', 'ready', 'arriving', 'wantsRows'] as const) {
  const real = TransactionMemory.prototype[name] as (...all: unknown[]) => unknown;
  vi.spyOn(TransactionMemory.prototype, name as 'completed').mockImplementation(function (
    this: TransactionMemory,
    ...all: unknown[]
  ) {
    faults.reached(name);
    return real.apply(this, all) as never;
  });
}
const outcome = MysqlExecution.prototype.outcome;
vi.spyOn(MysqlExecution.prototype, 'outcome').mockImplementation(function (this: MysqlExecution) {
  faults.reached(ending);
  return outcome.call(this);
});
const remembers = Object.getOwnPropertyDescriptor(TransactionMemory.prototype, 'remembers');
vi.spyOn(TransactionMemory.prototype, 'remembers', 'get').mockImplementation(function (
  this: TransactionMemory,
) {
  faults.reached('remembers');
  return remembers?.get?.call(this) as boolean;
});

class FaultyFacts extends FactsCache {
  override get(...all: Parameters<FactsCache['get']>): ReturnType<FactsCache['get']> {
    faults.reached('cacheGet');
    return super.get(...all);
  }
  override set(...all: Parameters<FactsCache['set']>): void {
    faults.reached('cacheSet');
    super.set(...all);
  }
}
class FaultyGuards extends GuardQueue {
  override acquire(...all: Parameters<GuardQueue['acquire']>): boolean {
    faults.reached('acquire');
    return super.acquire(...all);
  }
}

function faulty(shared: SharedState): SharedState {
  return {
    ...shared,
    facts: new FaultyFacts(),
    guards: new FaultyGuards(),
    witness: (dialect) => {
      const real = shared.witness(dialect);
      const stage = (name: 'agrees' | 'provesDelete' | 'provesLockingRead') =>
        ((...all: never[]) => {
          faults.reached(name);
          return (real[name] as (...every: never[]) => boolean)(...all);
        }) as never;
      return {
        agrees: stage('agrees'),
        provesDelete: stage('provesDelete'),
        provesLockingRead: stage('provesLockingRead'),
      };
    },
  };
}

interface Outcome {
  toClient: Buffer;
  ended: boolean;
  events: SessionEvent[];
  raw: boolean;
  /** The server got the recording and nothing else but plans. */
  complete: boolean;
  /** GET_LOCK less RELEASE_LOCK. */
  locks: number;
}

interface Case {
  label: string;
  direct: Buffer;
  run: (shared: SharedState) => Outcome;
}

const pgCatalog = capturedCatalog();
const myCatalog = mysqlCatalog();
const chosen = [
  'a-sequelize6-pg-ids',
  'a-activerecord61-pg-pluck',
  'b-activerecord70-pg',
  'b-django207-pg-uoc',
  'a-django22-mysql-join',
  's-django52-mysqlpath-having',
  'a-prisma-mariadb-ids',
  'b-activerecord61-mysql',
];
const isChosen = ({ name }: { name: string }): boolean => chosen.includes(name);

function postgresCases(): Case[] {
  const all = curatedCaptures()
    .filter(isChosen)
    .flatMap((capture) => conversations(capture, pgCatalog));
  return all.map((conversation) => ({
    label: conversation.label,
    direct: replayDirect(conversation).toClient,
    run: (shared) => {
      const { transcript, session, complete } = replay(conversation, pgCatalog, undefined, undefined, shared);
      return { ...transcript, raw: session.raw, complete, locks: 0 };
    },
  }));
}

function mysqlCases(): Case[] {
  const all = mysqlCaptures()
    .filter(isChosen)
    .flatMap((capture) => mysqlConversations(capture, myCatalog, 'mariadb'));
  return all.map((conversation) => ({
    label: conversation.label,
    direct: direct(conversation).toClient,
    run: (shared) => {
      const { transcript, session, complete, ran } = through(conversation, myCatalog, { shared });
      const count = (text: string): number => ran.filter(({ sql }) => sql.includes(text)).length;
      const locks = count('GET_LOCK(') - count('RELEASE_LOCK(');
      return { ...transcript, raw: session.raw, complete, locks };
    },
  }));
}

const decisions = ({ events }: Outcome): string[] =>
  events.flatMap((event) => (event.type === 'finding' ? [event.decision] : []));
const reasons = ({ events }: Outcome): (string | undefined)[] =>
  events.flatMap((event) => (event.type === 'finding' ? [event.reason] : []));

const directStart = (all: Buffer, start: Buffer): boolean => all.subarray(0, start.length).equals(start);

afterEach(() => faults.arm('', 0));

/** Conversations that reach a stage, and how often it was reached in all. */
const reachedBy = new Map<string, number>();

const fresh = (label: string): SharedState => faulty(/mariadb/.test(label) ? mysqlShared() : sharedState());
const cases = [...postgresCases(), ...mysqlCases()].flatMap((one) => {
  const whole = one.run(fresh(one.label));
  return decisions(whole).includes('rewritten') ? [{ ...one, whole }] : [];
});

describe.each(cases)('$label', ({ label, direct: directly, run, whole }) => {
  it('without a fault: answered as directly', () => {
    expect(whole.toClient.equals(directly)).toBe(true);
    expect(whole.raw).toBe(false);
  });

  it.each(stages)('%s throws', (stage) => {
    faults.arm(stage, 0);
    run(fresh(label));
    const { calls } = faults.state;
    reachedBy.set(stage, (reachedBy.get(stage) ?? 0) + calls);
    for (let call = 1; call <= Math.min(calls, mostCalls); call += 1) {
      const shared = fresh(label);
      faults.arm(stage, call);
      const found = run(shared);
      const where = `${stage}, call ${call} of ${calls}`;
      const problems = found.events.filter((event) => event.type === 'problem');
      // The witness reads texts too; it answers no when in doubt, and so it does here.
      if (problems.length === 0 && stage === 'classify') {
        expect(['witness', 'proof'], where).toContain(reasons(found).find((reason) => reason !== undefined));
        expect(found.toClient.equals(directly), where).toBe(true);
        continue;
      }
      expect(problems, where).toHaveLength(1);
      expect(JSON.stringify(found.events), where).not.toContain('secret');
      expect(problems[0]?.message, where).toContain('RangeError at ');
      expect(found.toClient.equals(directly), where).toBe(true);
      expect(found.complete, where).toBe(true);
      expect(found.locks, where).toBe(0);
      expect(found.raw, where).toBe(true);
      expect(
        found.events.filter((event) => event.type === 'raw-relay'),
        where,
      ).toEqual([{ type: 'raw-relay', why: 'problem' }]);
      // No other session: the next one, with the same shared state, is served as if nothing had happened.
      faults.arm('', 0);
      const next = run(shared);
      expect(decisions(next), where).toEqual(decisions(whole));
      expect(next.toClient.equals(directly), where).toBe(true);
    }
  });
});

describe('a defect that is not contained where it happens', () => {
  const [one] = mysqlCases();

  it('ends the session with an error, and no other', () => {
    if (one === undefined) throw new Error('no conversation');
    faults.arm(ending, 0);
    one.run(fresh(one.label));
    const { calls } = faults.state;
    expect(calls).toBeGreaterThan(3);
    for (let call = 1; call <= calls; call += 1) {
      const shared = fresh(one.label);
      faults.arm(ending, call);
      const found = one.run(shared);
      expect(found.ended).toBe(true);
      expect(found.events.filter(({ type }) => type === 'problem')).toHaveLength(1);
      const at = found.toClient.lastIndexOf('#HY000interlock: ');
      // Header, ERR and its number stand in front of the SQLSTATE.
      expect(directStart(one.direct, found.toClient.subarray(0, at - 7))).toBe(true);
      faults.arm('', 0);
      expect(one.run(shared).toClient.equals(one.direct)).toBe(true);
    }
  });
});

describe('a rule set that throws', () => {
  it.each(['postgres', 'mysql'])('%s: the log-in is finished, then nothing is looked at', (protocol) => {
    const all = protocol === 'mysql' ? mysqlCases() : postgresCases();
    const [one] = all;
    if (one === undefined) throw new Error('no conversation');
    faults.arm('forSession', 1);
    const found = one.run(fresh(one.label));
    expect(faults.state.calls).toBe(1);
    expect(found.toClient.equals(one.direct)).toBe(true);
    expect(found.raw).toBe(true);
    expect(found.events.map(({ type }) => type)).toEqual(['problem', 'raw-relay', 'logged-in']);
  });
});

describe('the faults', () => {
  it('every stage was reached by one of the conversations', () => {
    expect(stages.filter((stage) => (reachedBy.get(stage) ?? 0) === 0)).toEqual([]);
  });
});
