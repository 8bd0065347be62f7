/**
 * The recordings with a verdict: what those who recorded them said must be rewritten is, and no trap is. To the MariaDB
 * 10.11 they were recorded with, and once more with a MySQL 9.7 in its place. Rules as generous as an operator can make
 * them: both patterns on every table, `when: always`.
 */
import { describe, expect, it } from 'vitest';
import { curatedCaptures, type CuratedCapture } from './captures.ts';
import { capturedCatalog } from './catalog.ts';
import { conversations } from './conversation.ts';
import type { Flavour } from './server-state.ts';
import { direct, through, type Circumstances, type Through } from './through.ts';

const catalog = capturedCatalog();
const curated = curatedCaptures();
const flavours = ['mariadb', 'mysql'] as const;

/** The ORM's session, and the racing ones behind it, which are ordinary clients. */
function replays(
  capture: CuratedCapture,
  flavour: Flavour,
  how: Circumstances = {},
): { orm: Through; others: Through[] } {
  const [orm, ...others] = conversations(capture, catalog, flavour).map((conversation) => {
    const found = through(conversation, catalog, how);
    expect(found.complete, conversation.label).toBe(true);
    expect(found.session.raw, conversation.label).toBe(false);
    // Rewritten or not, the client sees what it would have seen: the fake server answers both forms alike.
    expect(found.transcript.toClient.equals(direct(conversation).toClient), conversation.label).toBe(true);
    return found;
  });
  if (orm === undefined) throw new Error('no session');
  return { orm, others };
}

const rewritten = curated.filter(({ expect: verdict }) =>
  ['split-delete:rewrite', 'split-delete:rewrite-chunked', 'reread:lock'].includes(verdict),
);
const left = curated.filter((capture) => !rewritten.includes(capture));
const reread = rewritten.filter((capture) => capture.expect === 'reread:lock');

/** Prisma's pipelined execution of "the statement prepared last" is something that only MariaDB has. */
const both = (captures: CuratedCapture[]): { flavour: Flavour; capture: CuratedCapture; name: string }[] =>
  flavours.flatMap((flavour) =>
    captures
      .filter(({ orm }) => flavour === 'mariadb' || orm !== 'prisma')
      .map((capture) => ({ flavour, capture, name: capture.name })),
  );

/** Why the rest is left, by the reasons that the session gives; none: it is not even a candidate. */
const reasons: Record<string, string[]> = {
  // UPDATEs by list are no pattern.
  'a-django52-mysqlpath-join-update': [],
  // A single statement already.
  's-django52-mysqlpath-having': [],
  't-django-mysql-outbox-limit': ['limit'],
  'tb-activerecord72-mysql-rollback-and-chain': ['locked-already'],
  // The connection that reads the row again is another one than that of the failed INSERT.
  'tb-sequelize6-mysql-notx-other-connection': [],
};

const chunked = 'a-django22-mysql-250-chunked';

describe('recordings with a verdict', () => {
  it.each(both(rewritten))('$flavour: $name is rewritten once', ({ flavour, capture }) => {
    const { orm, others } = replays(capture, flavour);
    const split = capture.expect.startsWith('split');
    const pattern = split ? 'split-delete' : 'unlocked-read-after-unique-violation';
    // Of three chunks the first two are no whole list.
    const chunks = capture.name === chunked ? ['list-differs', 'list-differs'] : [];
    expect(orm.findings.map((one) => [one.pattern, one.reason ?? one.decision])).toEqual(
      [...chunks, 'rewritten'].map((told) => [pattern, told]),
    );
    const [one, ...more] = orm.ran.filter(({ kind }) => kind === 'rewritten');
    expect(more).toEqual([]);
    // Prepared where the app's statement was, with the parameters of the SELECT that it stands for.
    const app = orm.ran.filter(({ kind }) => kind === 'app');
    const select = app.findLast(({ sql }) => /^select\b/i.test(sql) && (!split || /\bid\b/.test(sql)));
    if (split) expect([one?.via, one?.values]).toEqual([select?.via, select?.values]);
    expect(others.flatMap((other) => other.findings)).toEqual([]);
  });

  it.each(both(left))('$flavour: $name is left alone', ({ flavour, capture }) => {
    const { orm, others } = replays(capture, flavour);
    expect(orm.ran.filter(({ kind }) => kind !== 'app')).toEqual([]);
    expect(orm.findings.map((finding) => finding.reason)).toEqual(reasons[capture.name]);
    expect(others.flatMap((other) => other.findings)).toEqual([]);
  });

  it.each(both(rewritten))('$flavour: $name is only told of in observe mode', ({ flavour, capture }) => {
    const { orm } = replays(capture, flavour, { rules: { mode: 'observe', tablesNamed: true } });
    expect(orm.findings.at(-1)?.decision).toBe('observed');
    expect(orm.ran.every(({ kind }) => kind === 'app')).toBe(true);
  });

  it.each(both(rewritten))('$flavour: $name under more careful rules', ({ flavour, capture }) => {
    const rules = { mode: 'rewrite', tablesNamed: false, unlockedRead: { when: 'after-locking-lookup' } };
    const { orm } = replays(capture, flavour, { rules: { ...rules, mode: 'rewrite' } });
    const finding = orm.findings.at(-1);
    // Nobody named the tables of the deletes; of the re-reads only update_or_create's look-up was locked before.
    const split = capture.expect.startsWith('split');
    const locked = capture.name === 'b-django207-mysql-uoc-pk';
    const told = split ? 'table-not-named' : locked ? 'rewritten' : 'no-locking-lookup';
    expect(finding?.reason ?? finding?.decision).toBe(told);
  });

  it('count ten rewrites and every trap', () => {
    expect(rewritten.length).toBe(10);
    expect(left.filter(({ name }) => /^tb?-/.test(name)).length).toBe(3);
    expect(Object.keys(reasons).toSorted()).toEqual(left.map(({ name }) => name).toSorted());
  });
});

describe('the plan of a split delete', () => {
  it.each(both(rewritten.filter((one) => !reread.includes(one))))(
    '$flavour: $name asks, guards, deletes, and frees the guard behind the COMMIT',
    ({ flavour, capture }) => {
      const { ran } = replays(capture, flavour).orm;
      const at = ran.findIndex(({ kind }) => kind === 'rewritten');
      const before = ran.slice(0, at).filter(({ kind }) => kind === 'plan');
      const words = before.map(({ sql }) => /^(SELECT @@|SHOW CREATE|SELECT GET_LOCK)/.exec(sql)?.[1]);
      const known = ['SELECT @@', 'SHOW CREATE', 'SELECT GET_LOCK'];
      // Of chunks the effects are asked for as well, in one statement more.
      const effects = capture.name === chunked ? [undefined] : [];
      expect(new Set(words)).toEqual(new Set([...known, ...effects]));
      expect(words.at(-1)).toBe('SELECT GET_LOCK');
      const after = ran.slice(at + 1);
      expect(after[0]?.sql.toLowerCase().replace(';', '')).toBe('commit');
      expect(after[1]?.sql).toMatch(/^DO RELEASE_LOCK\('interlock:[0-9a-f]{16}'\)$/);
      expect(after.slice(2).filter(({ kind }) => kind !== 'app')).toEqual([]);
    },
  );
});

describe('the plan of an unlocked read', () => {
  it.each(both(reread))('$flavour: $name reads the key, then locks by it', ({ flavour, capture }) => {
    const { ran } = replays(capture, flavour).orm;
    const at = ran.findIndex(({ kind }) => kind === 'rewritten');
    expect(ran[at - 1]?.kind).toBe('probe');
    expect(ran[at]?.sql).toMatch(/\) AND `\w+`\.`id` = 2( LIMIT (1|\?))? FOR UPDATE$/);
  });

  const repeatable = { isolation: 'REPEATABLE-READ' } as const;

  it.each(both(reread))('$flavour: $name is left under REPEATABLE READ', ({ flavour, capture }) => {
    const { orm } = replays(levelOfSession(capture), flavour, { answers: repeatable });
    expect(orm.findings.map(({ reason }) => reason)).toEqual(['isolation']);
  });

  it.each(both(reread))(
    '$flavour: $name finds the row there with the setting of the Django pack',
    ({ flavour, capture }) => {
      const rules = {
        mode: 'rewrite',
        tablesNamed: true,
        unlockedRead: { repeatable_read: 'rewrite' },
      } as const;
      const { orm } = replays(levelOfSession(capture), flavour, { rules, answers: repeatable });
      expect(orm.findings.map(({ decision }) => decision)).toEqual(['rewritten']);
      expect(orm.ran.some(({ kind }) => kind === 'probe')).toBe(false);
      const [one] = orm.ran.filter(({ kind }) => kind === 'rewritten');
      expect(one?.sql).toMatch(/ FOR UPDATE$/);
      expect(one?.sql).not.toMatch(/\) AND \S+ = 2 /);
    },
  );

  it.each(both(reread))(
    '$flavour: $name is left under snapshot isolation all the same',
    ({ flavour, capture }) => {
      const rules = {
        mode: 'rewrite',
        tablesNamed: true,
        unlockedRead: { repeatable_read: 'rewrite' },
      } as const;
      // MySQL has none: there the variable that says so is not even asked for.
      const answers = { ...repeatable, snapshotIsolation: true };
      const { orm } = replays(levelOfSession(capture), flavour, { rules, answers });
      expect(orm.findings.map(({ reason, decision }) => reason ?? decision)).toEqual([
        flavour === 'mariadb' ? 'isolation' : 'rewritten',
      ]);
    },
  );
});

/** Without the app's own word on the level. */
function levelOfSession(capture: CuratedCapture): CuratedCapture {
  const at = capture.events.findIndex((event) => 'sql' in event && event.sql.startsWith('SET TRANSACTION'));
  return at < 0 ? capture : { ...capture, events: capture.events.toSpliced(at, 2) };
}
