/**
 * Statements in, statements out, or unchanged and why: every case of the data files end to end through the session, in
 * the simple protocol and in the extended one with text and with binary values.
 */
import { describe, expect, it } from 'vitest';
import { reasons, type Reason } from '../../src/patterns/reasons.ts';
import { frames } from '../streams/decode.ts';
import { bare } from '../streams/transaction.ts';
import { caseCatalog, loadCases, mayRewrite, twinOf, type Case } from './cases.ts';
import { loadMysqlCases } from './mysql/cases.ts';
import { protocols, type Protocol } from './play.ts';
import { runCase, type Run } from './run.ts';
import { readTranscript } from './transcript.ts';

const catalog = caseCatalog();
const patterns = ['split-delete', 'unlocked-read-after-unique-violation'] as const;
const cases = patterns.flatMap((pattern) => loadCases(pattern).map((one) => ({ pattern, one })));

/** Statements whose text says less than the transcript's notation does. */
function written(text: string, protocol: Protocol): string {
  const [line] = readTranscript(text);
  return (protocol === 'simple' ? line?.inlined : line?.sql) ?? '';
}

/** An ORDER BY that was cut out leaves the blanks around it. */
const blanks = (sql: string): string => sql.replaceAll(/\s+/g, ' ');

/** What holds whatever is decided. */
function expectUnharmed(run: Run): void {
  expect(run.through.toClient.toString('latin1')).toBe(run.direct.toClient.toString('latin1'));
  expect(run.ran.filter((one) => one.kind === 'unexpected')).toEqual([]);
  expect(run.through.ended).toBe(false);
  expect(run.session.raw).toBe(false);
  const fellBack = run.findings.some((finding) => finding.decision === 'fell-back');
  const failed = run.findings.some((finding) => finding.decision === 'passed-on');
  const savepointsOf = (ran: Run['ran']): string[][] =>
    ran
      .filter((one) => one.kind === 'app' || (one.kind === 'rewritten' && !fellBack))
      // The plan's own savepoint is there while its statement runs, and later only in a transaction that has failed.
      .map((one) => (one.kind === 'rewritten' || failed ? own(one.savepoints) : one.savepoints));
  expect(savepointsOf(run.ran)).toEqual(savepointsOf(run.ranDirect));
  const { forwarded, rewritten, refused } = run.session.counters;
  expect(forwarded + rewritten + refused).toBe(executions(run.direct.toServer));
}

const own = (savepoints: string[]): string[] => savepoints.filter((name) => !name.startsWith('interlock_'));

/** Query and Execute messages behind the start-up message. */
function executions(toServer: Buffer): number {
  const sent = frames(toServer.subarray(toServer.readInt32BE(0)));
  return sent.frames.filter((frame) => frame.type === 'Q' || frame.type === 'E').length;
}

/** Tried and taken back: the plan failed, or its reply was too large to be held. */
const ranRewritten = (run: Run): boolean => run.ran.some((one) => one.kind === 'rewritten');

function expectUnchanged(run: Run): void {
  expectUnharmed(run);
  const text = ({ sql, via, values }: Run['ran'][number]): unknown => ({ sql, via, values });
  expect(run.ran.filter((one) => one.kind === 'app').map(text)).toEqual(run.ranDirect.map(text));
  const sent = frames(run.through.toServer.subarray(run.through.toServer.readInt32BE(0))).frames;
  const wanted = frames(run.direct.toServer.subarray(run.direct.toServer.readInt32BE(0))).frames;
  // Every message of the client, byte for byte and in its order; what stands in between is a plan's.
  let at = 0;
  for (const frame of sent) if (wanted[at]?.bytes.equals(frame.bytes) === true) at += 1;
  expect(at).toBe(wanted.length);
}

function expectRewritten(one: Case, protocol: Protocol, run: Run): void {
  expectUnharmed(run);
  const rewritten = run.ran.filter((ran) => ran.kind === 'rewritten');
  const found = run.findings.filter((finding) => finding.decision === 'rewritten');
  expect(found.length).toBe(rewritten.length);
  expect(run.session.counters.rewritten).toBe(rewritten.length);
  expect(rewritten.length).toBeGreaterThan(0);
  const refusals = run.findings
    .filter((finding) => finding.decision === 'refused')
    .map((finding) => finding.reason);
  expect(refusals).toEqual(one.refusals ?? []);
  if (one.rewritten === undefined) return;
  const texts = [one.rewritten].flat().map((text) => written(text, protocol));
  expect(rewritten.map((ran) => blanks(bare(ran.sql)))).toEqual(texts);
  if (one.plan === undefined) return;
  const ran = run.ran.filter((statement) => statement.kind === 'plan').map((statement) => statement.sql);
  expect(ran).toEqual(expect.arrayContaining(readTranscript(one.plan).map((line) => line.sql)));
}

describe.each(cases)('$pattern: $one.name', ({ pattern, one }) => {
  for (const protocol of one.only ?? protocols) {
    const { unchanged, passed_on: passedOn } = one;
    if (passedOn !== undefined) {
      it(`${protocol}: its error ${passedOn} goes to the client`, () => {
        const run = runCase(one, protocol, catalog);
        expectUnharmed(run);
        expect(run.findings.map(({ decision, code }) => ({ decision, code }))).toEqual([
          { decision: 'passed-on', code: passedOn },
        ]);
        expect(run.ran.filter((ran) => ran.kind === 'rewritten').length).toBe(1);
      });
    } else if (unchanged === undefined) {
      it(`${protocol}: is rewritten`, () => {
        expectRewritten(one, protocol, runCase(one, protocol, catalog));
      });
    } else {
      it(`${protocol}: is unchanged because ${unchanged}`, () => {
        const run = runCase(one, protocol, catalog);
        expectUnchanged(run);
        const left = run.findings.filter((finding) => finding.decision !== 'rewritten');
        expect(left.map((finding) => finding.reason)).toEqual([...(one.refusals ?? []), unchanged]);
        expect(left.at(-1)?.decision).toBe(ranRewritten(run) ? 'fell-back' : 'refused');
        expect(left.every((finding) => finding.pattern === pattern)).toBe(true);
      });
      it(`${protocol}: its twin is rewritten`, () => {
        const twin = twinOf(one);
        expectRewritten(twin, protocol, runCase(twin, protocol, catalog));
      });
    }
    it(`${protocol}: passes byte for byte in observe mode`, () => {
      const run = runCase(one, protocol, catalog, 'observe');
      expect(run.through.toServer.toString('latin1')).toBe(run.direct.toServer.toString('latin1'));
      expect(run.through.toClient.toString('latin1')).toBe(run.direct.toClient.toString('latin1'));
    });
  }
});

describe('the cases', () => {
  /** Some reasons only MySQL can give; its cases are checked for their own part in mysql/. */
  const mysqlCases = patterns.flatMap((pattern) => loadMysqlCases(pattern).map((one) => ({ pattern, one })));
  /** Reasons without a case, each with what stands in the way. */
  const elsewhere: Partial<Record<Reason, string>> = {
    'payload-key':
      'asked of the catalog only for a table that no operator named, and there a rewriting rule refuses table-not-named first: test/unit/patterns',
    breaker: 'takes several sessions: breaker.test.ts',
    snapshot: 'of a look, not of a rewrite: ../races/evidence*.test.ts',
    'look-visible': 'of a look, not of a rewrite: ../races/evidence*.test.ts',
    'look-failed': 'of a look, not of a rewrite: ../races/evidence*.test.ts',
    defect: 'takes a defect: test/streams/contained.test.ts',
  };

  it.each(Object.entries(reasons))(
    'have one for %s in each pattern it applies to',
    (reason, { patterns }) => {
      if (reason in elsewhere) return;
      const found = [...cases, ...mysqlCases].filter(
        ({ one }) => one.unchanged === reason || one.refusals?.includes(reason as Reason),
      );
      expect(new Set(found.map(({ pattern }) => pattern))).toEqual(new Set(patterns.filter(mayRewrite)));
    },
  );
});
