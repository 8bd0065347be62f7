/**
 * Statements in, statements out, or unchanged and why, on MySQL and MariaDB: every case of the data files end to end
 * through the session, in the text protocol, in the prepared one, and as MariaDB's connectors pipeline it.
 */
import { describe, expect, it } from 'vitest';
import { reasons, type Reason } from '../../../src/patterns/reasons.ts';
import type { Flavour } from '../../streams/mysql/server-state.ts';
import { mayRewrite } from '../cases.ts';
import { caseCatalog, loadMysqlCases, protocols, twinOf, type Case, type Protocol } from './cases.ts';
import { statements } from './play.ts';
import { runCase, type Run } from './run.ts';

const catalog = caseCatalog();
const patterns = ['split-delete', 'unlocked-read-after-unique-violation'] as const;
const cases = patterns.flatMap((pattern) => loadMysqlCases(pattern).map((one) => ({ pattern, one })));
const flavours: readonly Flavour[] = ['mariadb', 'mysql'];

/** Only MariaDB knows "the statement prepared last". */
function ways({
  only = [...protocols],
  servers = [...flavours],
}: Case): { protocol: Protocol; flavour: Flavour }[] {
  return servers.flatMap((flavour) =>
    only
      .filter((protocol) => flavour === 'mariadb' || protocol !== 'pipelined')
      .map((protocol) => ({ protocol, flavour })),
  );
}

const marker = /\/\*\s*interlock:[^*]*\*\/\s*/g;
/** An ORDER BY that was cut out leaves the blanks around it. */
const plain = (sql: string): string =>
  sql
    .replaceAll(marker, '')
    .replaceAll(/\s+/g, ' ')
    .replace(/\s*;\s*$/, '')
    .trim();

/** What holds whatever is decided. */
function expectUnharmed(run: Run): void {
  expect(run.through.toClient.toString('latin1')).toBe(run.direct.toClient.toString('latin1'));
  expect(run.ran.filter(({ kind }) => kind === 'unexpected')).toEqual([]);
  expect(run.finished).toBe(true);
  expect({ ended: run.through.ended, raw: run.session.raw }).toEqual({ ended: false, raw: false });
  expect(run.leftOpen).toBe(0);
  // Taken once in each transaction, and freed behind it, failed or not.
  const guards = run.ran.filter(({ sql }) => sql.includes('_LOCK(')).map(({ sql }) => sql.split(' ')[0]);
  if (run.session.idle && guards.includes('DO'))
    expect(guards.filter((word) => word === 'DO').length).toBe(guards.length / 2);
  const { forwarded, rewritten, refused } = run.session.counters;
  expect(forwarded + rewritten + refused).toBe(run.played.executions);
}

const ofApp = (run: Run): unknown[] =>
  run.ran.filter(({ kind }) => kind === 'app').map(({ sql, via, values }) => ({ sql, via, values }));

const ranRewritten = (run: Run): boolean => run.ran.some(({ kind }) => kind === 'rewritten');

function expectUnchanged(run: Run): void {
  expectUnharmed(run);
  expect(ofApp(run)).toEqual(run.ranDirect.map(({ sql, via, values }) => ({ sql, via, values })));
}

function expectRewritten(one: Case, protocol: Protocol, run: Run): void {
  expectUnharmed(run);
  const rewritten = run.ran.filter(({ kind }) => kind === 'rewritten');
  const found = run.findings.filter(({ decision }) => decision === 'rewritten');
  expect(found.length).toBeGreaterThan(0);
  expect(run.session.counters.rewritten).toBe(found.length);
  const left = run.findings.filter(({ decision }) => decision !== 'rewritten');
  expect(left.map(({ reason }) => reason)).toEqual(one.refusals ?? []);
  if (one.rewritten === undefined) return;
  const texts = [one.rewritten].flat().map((text) => {
    const [line] = statements(text);
    return plain((protocol === 'text' ? line?.inlined : line?.sql) ?? '');
  });
  expect(rewritten.map(({ sql }) => plain(sql))).toEqual(texts);
  const marked = one.split_delete?.['marker'] !== false && one.unlocked_read?.['marker'] !== false;
  for (const { sql } of rewritten) expect(sql.includes('/* interlock:')).toBe(marked);
  const plan = run.ran.filter(({ kind }) => kind === 'plan' || kind === 'probe').map(({ sql }) => plain(sql));
  const wanted = (one.plan ?? []).map((text) => {
    const [line] = statements(text);
    return (protocol === 'text' ? line?.inlined : line?.sql) ?? '';
  });
  expect(plan).toEqual(expect.arrayContaining(wanted));
}

describe.each(cases)('$pattern: $one.name', ({ pattern, one }) => {
  for (const { protocol, flavour } of ways(one)) {
    const where = `${flavour}, ${protocol}`;
    const { unchanged, passed_on: passedOn } = one;
    const run = (which: Case = one): Run => runCase(which, protocol, flavour, catalog);
    if (passedOn !== undefined) {
      it(`${where}: its error ${passedOn} goes to the client`, () => {
        const found = run();
        expectUnharmed(found);
        expect(found.findings.map(({ decision, code }) => ({ decision, code }))).toEqual([
          { decision: 'passed-on', code: passedOn },
        ]);
      });
    } else if (unchanged === undefined) {
      it(`${where}: is rewritten`, () => {
        expectRewritten(one, protocol, run());
      });
    } else {
      it(`${where}: is unchanged because ${unchanged}`, () => {
        const found = run();
        expectUnchanged(found);
        const left = found.findings.filter(({ decision }) => decision !== 'rewritten');
        expect(left.map(({ reason }) => reason)).toEqual([...(one.refusals ?? []), unchanged]);
        expect(left.at(-1)?.decision).toBe(ranRewritten(found) ? 'fell-back' : 'refused');
        expect(left.every((finding) => finding.pattern === pattern)).toBe(true);
      });
      it(`${where}: its twin is rewritten`, () => {
        const twin = twinOf(one);
        expectRewritten(twin, protocol, run(twin));
      });
    }
    it(`${where}: passes byte for byte in observe mode`, () => {
      const found = runCase(one, protocol, flavour, catalog, 'observe');
      expect(found.through.toServer.toString('latin1')).toBe(found.direct.toServer.toString('latin1'));
      expect(found.through.toClient.toString('latin1')).toBe(found.direct.toClient.toString('latin1'));
    });
  }
});

/** Not among the cases: what the client hears of the lock is not what it would have heard of its own statement. */
describe('an error of the read that locks', () => {
  const found = cases.find(({ one }) => one.name === 'get_or_create and its relatives')?.one;

  it.each([
    [1213, 'passed-on'],
    [1205, 'passed-on'],
    [1317, 'passed-on'],
    [1142, 'fell-back'],
  ] as const)('%i: %s', (edited, decision) => {
    if (found === undefined) throw new Error('missing');
    for (const { protocol, flavour } of ways(found)) {
      const run = runCase({ ...found, edited }, protocol, flavour, catalog);
      expect(run.findings.map((one) => one.decision)).toEqual([decision]);
      const app = run.ran.filter(({ kind, sql }) => kind === 'app' && sql.startsWith('SELECT'));
      expect(app.length).toBe(decision === 'fell-back' ? 1 : 0);
      // ERR packet, first of its reply: sequence id 1, 0xff, the number.
      const packet = Buffer.from([1, 0xff, edited & 0xff, edited >> 8]);
      expect(run.through.toClient.includes(packet)).toBe(decision === 'passed-on');
      expect(run.finished).toBe(decision === 'fell-back' || run.ran.at(-1)?.sql === 'COMMIT');
    }
  });
});

describe('the guard', () => {
  const withGuard = cases.filter(
    ({ pattern, one }) => pattern === 'split-delete' && one.passed_on === '40001',
  );

  it.each(withGuard)('is freed when the transaction is gone: $one.name', ({ one }) => {
    for (const { protocol, flavour } of ways(one)) {
      const { ran } = runCase(one, protocol, flavour, catalog);
      const failed = ran.findIndex(({ kind }) => kind === 'rewritten');
      expect(ran[failed + 1]?.sql).toMatch(/^DO RELEASE_LOCK/);
    }
  });
});

describe('the cases', () => {
  /** Reasons without a case here, each with what stands in the way. */
  const elsewhere: Partial<Record<Reason, string>> = {
    'payload-key':
      'asked of the catalog only for a table that no operator named, and there a rewriting rule refuses table-not-named first: test/unit/patterns',
    breaker: 'takes several sessions: ../breaker.test.ts',
    snapshot: 'of a look, not of a rewrite: ../../races/mysql/evidence.test.ts',
    'look-visible': 'of a look, not of a rewrite: ../../races/mysql/evidence.test.ts',
    'look-failed': 'of a look, not of a rewrite: ../../races/mysql/evidence.test.ts',
    defect: 'takes a defect: test/streams/contained.test.ts',
    'set-constraints': 'PostgreSQL only: nothing is deferred',
    'deferred-closure': 'PostgreSQL only: nothing is deferred',
    'row-security': 'PostgreSQL only',
    'no-privilege':
      'PostgreSQL only: an error of the locking read costs nothing here, and the original follows',
    'outer-join': 'joined tables are query-form here, there is no OF everywhere',
  };

  it.each(Object.entries(reasons))(
    'have one for %s in each pattern it applies to',
    (reason, { patterns: of }) => {
      const found = cases.filter(
        ({ one }) => one.unchanged === reason || one.refusals?.includes(reason as Reason),
      );
      if (reason in elsewhere) expect(found).toEqual([]);
      else expect(new Set(found.map(({ pattern }) => pattern))).toEqual(new Set(of.filter(mayRewrite)));
    },
  );
});
