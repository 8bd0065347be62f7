/**
 * The recordings with a verdict: what those who recorded them said must be rewritten is, and no trap is. Rules as
 * generous as an operator can make them: both patterns on every table, `when: always`.
 */
import { describe, expect, it } from 'vitest';
import { curatedCaptures, type CuratedCapture } from './captures.ts';
import { capturedCatalog } from './catalog.ts';
import { conversations } from './conversation.ts';
import { everything, replay, replayDirect, type Replay } from './replay.ts';

const catalog = capturedCatalog();
const curated = curatedCaptures();

/** The ORM's session, and the racing ones behind it, which are ordinary clients. */
function replays(capture: CuratedCapture, rules = everything): { orm: Replay; others: Replay[] } {
  const [orm, ...others] = conversations(capture, catalog).map((conversation) => {
    const found = replay(conversation, catalog, rules);
    expect(found.complete, conversation.label).toBe(true);
    expect(found.session.raw, conversation.label).toBe(false);
    expect(found.savepoints, conversation.label).toEqual([]);
    // Rewritten or not, the client sees what it would have seen: the fake server answers both forms alike.
    const direct = replayDirect(conversation);
    expect(found.transcript.toClient.equals(direct.toClient), conversation.label).toBe(true);
    return found;
  });
  if (orm === undefined) throw new Error('no session');
  return { orm, others };
}

/**
 * Verdicts that mean "rewritten".
 *
 * Not b-sequelize6-pg-foc, which its recorders also called reread:lock: Sequelize hides the violation in a function, so
 * no error names a key on the wire; an idempotent consumer that reads what is there already sends the same bytes. The
 * design leaves such quiet conflicts alone, as it does b-prisma-pg-do-nothing (ON CONFLICT DO NOTHING, which is counted).
 */
const rewritten = curated.filter(
  ({ name, expect: verdict }) =>
    ['split-delete:rewrite', 'reread:lock', 'reread:lock-of-target'].includes(verdict) &&
    name !== 'b-sequelize6-pg-foc',
);
const left = curated.filter((capture) => !rewritten.includes(capture));

/** Why the rest is left, by the reasons that the session gives; none: it is not even a candidate. */
const reasons: Record<string, string[]> = {
  // One id in `WHERE id = $1` cannot be told from find and destroy.
  'a-activerecord61-pg-one-id': [],
  // UPDATEs by list are no pattern.
  'a-django52-pg-mti-update-both': [],
  'a-django52-pg-mti-update': [],
  // The ORM selects more than the key; only an opt-in could rewrite these.
  'a-prisma-pg-nested-deletemany': ['select-list'],
  'o-django52-pg-signal-250': ['select-list', 'select-list', 'select-list'],
  'o-django52-pg-signal-autocommit': ['across-begin'],
  'o-django52-pg-signal': ['select-list'],
  'o-sequelize6-pg-findall-destroy': ['select-list'],
  'o-typeorm-pg-remove-composite': ['composite-key'],
  'o-typeorm-pg-remove': ['select-list'],
  's-django52-pg-single': [],
  'b-prisma-pg-do-nothing': ['quiet-conflict'],
  'b-sequelize6-pg-foc': [],
  't-activerecord-destroy-all': ['row-loop'],
  't-activerecord-in-batches': ['not-in-transaction'],
  't-activerecord-locked': ['locked-already'],
  't-django-cascade-predicate-on-child': ['select-list', 'cascade-by-list', 'select-list'],
  't-django-children-first': ['target-mismatch', 'select-list', 'target-mismatch', 'select-list'],
  't-django-ids-reused': ['cascade-by-list'],
  // SELECT in autocommit, DELETE in the transaction that follows.
  't-django-list-then-delete-other-tx': ['across-begin'],
  't-django-outbox-id-payload': ['select-list'],
  't-django-outbox-limit': ['limit'],
  // Five reads of single rows since: the last of them is what is remembered of the table, and it has a LIMIT.
  't-django-pk-only-processed': ['limit'],
  't-django-subset': ['select-list'],
  't-prisma-pg-nested-set': [],
  'tb-activerecord-validator': [],
  'tb-django-autocommit': ['not-in-transaction'],
  'tb-django-distinct': ['query-form'],
  'tb-django-exists': ['query-form'],
  'tb-django-list': ['key-not-pinned'],
  'tb-django-other-row': ['key-not-pinned'],
  'tb-django-outer-join-other-table': [],
  'tb-prisma-pg-aborted': [],
  'tb-sequelize6-pg-aborted': [],
  'tb-typeorm-error-only': [],
};

describe('recordings with a verdict', () => {
  it.each(rewritten)('$name ($expect) is rewritten once', (capture) => {
    const { orm, others } = replays(capture);
    expect(orm.findings.map(({ pattern, decision }) => ({ pattern, decision }))).toEqual([
      {
        pattern: capture.expect.startsWith('split') ? 'split-delete' : 'unlocked-read-after-unique-violation',
        decision: 'rewritten',
      },
    ]);
    expect(orm.ran.filter((one) => one.kind === 'rewritten').length).toBe(1);
    expect(others.flatMap((other) => other.findings)).toEqual([]);
  });

  it.each(left)('$name ($expect) is left alone', (capture) => {
    const { orm, others } = replays(capture);
    expect(orm.ran.filter((one) => one.kind === 'rewritten')).toEqual([]);
    expect(orm.findings.map((finding) => finding.reason)).toEqual(reasons[capture.name]);
    expect(others.flatMap((other) => other.findings)).toEqual([]);
  });

  it.each(rewritten)('$name is only told of in observe mode', (capture) => {
    const { orm } = replays(capture, { mode: 'observe', tablesNamed: true });
    expect(orm.findings.map((finding) => finding.decision)).toEqual(['observed']);
    expect(orm.ran.every((one) => one.kind === 'app')).toBe(true);
  });

  it.each(rewritten)('$name under more careful rules', (capture) => {
    const careful = { when: 'after-locking-lookup' };
    const { orm } = replays(capture, { mode: 'rewrite', tablesNamed: false, unlockedRead: careful });
    const [finding, ...more] = orm.findings.map(({ decision, reason }) => reason ?? decision);
    expect(more).toEqual([]);
    // Nobody named the tables of the deletes; of the re-reads only update_or_create's look-up was locked before.
    const split = capture.expect.startsWith('split');
    const locked = capture.name === 'b-django207-pg-uoc';
    expect(finding).toBe(split ? 'table-not-named' : locked ? 'rewritten' : 'no-locking-lookup');
  });

  it('count nine rewrites and every trap', () => {
    expect(rewritten.length).toBe(9);
    expect(left.filter(({ name }) => /^tb?-/.test(name)).length).toBe(22);
    expect(Object.keys(reasons).toSorted()).toEqual(left.map(({ name }) => name).toSorted());
  });

  it('lock only the target where the re-read joins another table', () => {
    const capture = curated.find(({ name }) => name === 'b-django52-pg-goc-join');
    if (capture === undefined) throw new Error('missing');
    const [text] = replays(capture).orm.ran.filter((one) => one.kind === 'rewritten');
    expect(text?.sql.endsWith(' LIMIT 21 FOR UPDATE OF "myapp_c"')).toBe(true);
  });
});
