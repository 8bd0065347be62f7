/** Text builders and their proof: what comes out, and what the proof does not let through. */
import { describe, expect, it } from 'vitest';
import { applyEdits } from '../../../src/sql/edits.ts';
import { deleteBySubselect, lockable, lockingRead } from '../../../src/sql/rewrites.ts';
import { loadWitness } from '../../../src/sql/witness/postgres.ts';
import { bytes, deleteOf, harvested, keyTable, selectOf, shapeOf } from './support.ts';

const witness = await loadWitness();

function rewrite(select: string, deletion: string, lock: boolean, marker?: string): string | undefined {
  const shape = selectOf(select);
  const table = lock ? keyTable(shape) : undefined;
  const result = deleteBySubselect(bytes(deletion), deleteOf(deletion), bytes(select), shape, {
    ...(table === undefined ? {} : { lockOf: table }),
    ...(marker === undefined ? {} : { marker }),
  });
  return result?.text.toString();
}

const joined = 'SELECT "c"."id" FROM "c" INNER JOIN "a" ON ("c"."a_id" = "a"."id") WHERE "a"."x" = $1';

describe('applyEdits', () => {
  it('replaces, inserts and deletes, and keeps every other byte', () => {
    const text = bytes('abc é def');
    expect(applyEdits(text, []).equals(text)).toBe(true);
    expect(
      applyEdits(text, [
        { span: { start: 0, end: 0 }, text: '>' },
        { span: { start: 1, end: 2 }, text: bytes('ß') },
        { span: { start: 2, end: 3 }, text: '' },
      ]).toString(),
    ).toBe('>aß é def');
  });

  it.each([
    [
      [
        { start: 2, end: 4 },
        { start: 3, end: 5 },
      ],
    ],
    [
      [
        { start: 4, end: 5 },
        { start: 0, end: 1 },
      ],
    ],
    [[{ start: 3, end: 2 }]],
    [[{ start: 5, end: 99 }]],
    [[{ start: -1, end: 2 }]],
  ])('throws on %o', (spans) => {
    expect(() =>
      applyEdits(
        bytes('0123456789'),
        spans.map((span) => ({ span, text: 'x' })),
      ),
    ).toThrow(RangeError);
  });
});

describe('deleteBySubselect', () => {
  it.each([
    [
      joined,
      'DELETE FROM "c" WHERE "c"."id" IN (1, 2)',
      true,
      `DELETE FROM "c" WHERE "c"."id" IN (${joined} FOR UPDATE OF "c")`,
    ],
    [
      joined,
      'DELETE FROM "c" WHERE "c"."id" IN (1, 2)',
      false,
      `DELETE FROM "c" WHERE "c"."id" IN (${joined})`,
    ],
    [
      `${joined};`,
      'DELETE FROM "c" WHERE "c"."id" IN ($1, $2);',
      false,
      `DELETE FROM "c" WHERE "c"."id" IN (${joined});`,
    ],
    [
      `/* x */ ${joined} -- y`,
      '-- z\nDELETE FROM "c" WHERE "id" = ANY($1)',
      false,
      `-- z\nDELETE FROM "c" WHERE "id" IN (${joined})`,
    ],
    [
      `${joined} ORDER BY "c"."id" DESC`,
      'DELETE FROM c WHERE (id = 1 OR id = 2)',
      false,
      `DELETE FROM c WHERE (id IN (${joined} ))`,
    ],
    [
      joined,
      'DELETE FROM c WHERE ("c"."id" IN ($1,$2) AND 1=1)',
      false,
      `DELETE FROM c WHERE ("c"."id" IN (${joined}) AND 1=1)`,
    ],
    [
      joined,
      "DELETE FROM c x WHERE x.id = ANY('{1,2}'::int[])",
      false,
      `DELETE FROM c x WHERE x.id IN (${joined})`,
    ],
    [
      'select c.id from c, a b where c.x = b.x',
      'delete from c where id in (1)',
      true,
      'delete from c where id IN (select c.id from c, a b where c.x = b.x FOR UPDATE OF c)',
    ],
    [
      'SELECT x.id FROM s.c AS x JOIN a ON true',
      'DELETE FROM s.c WHERE id IN (1)',
      true,
      'DELETE FROM s.c WHERE id IN (SELECT x.id FROM s.c AS x JOIN a ON true FOR UPDATE OF x)',
    ],
    [
      'SELECT id FROM s."C"',
      'DELETE FROM s."C" WHERE id IN (1)',
      true,
      'DELETE FROM s."C" WHERE id IN (SELECT id FROM s."C" FOR UPDATE OF "C")',
    ],
    [
      'SELECT c.id FROM c JOIN a ON true GROUP BY c.id HAVING count(*) > 1 ORDER BY 1',
      'DELETE FROM c WHERE id IN (1)',
      false,
      'DELETE FROM c WHERE id IN (SELECT c.id FROM c JOIN a ON true GROUP BY c.id HAVING count(*) > 1 )',
    ],
    [
      'SELECT c.id FROM c WHERE x = 1 ORDER BY id OFFSET $2',
      'DELETE FROM c WHERE id IN (1)',
      false,
      'DELETE FROM c WHERE id IN (SELECT c.id FROM c WHERE x = 1  OFFSET $2)',
    ],
    [
      'SELECT c.id FROM c WHERE x = 1 -- why\nORDER BY id',
      'DELETE FROM c WHERE id IN (1)',
      true,
      'DELETE FROM c WHERE id IN (SELECT c.id FROM c WHERE x = 1 -- why\n FOR UPDATE OF c)',
    ],
  ])('%s + %s, lock %s', (select, deletion, lock, expected) => {
    const out = rewrite(select, deletion, lock);
    expect(out).toBe(expected);
    const alias = lock ? keyTable(selectOf(select))?.alias : undefined;
    expect(witness.provesDelete(bytes(select), bytes(deletion), bytes(out ?? ''), alias)).toBe(true);
    expect(shapeOf(out ?? '').kind).toBe('delete');
  });

  it('puts the marker in front of the statement, behind comments that were there', () => {
    const out = rewrite(joined, '/*+ hint */ DELETE FROM c WHERE id IN (1)', false, 'split-delete');
    expect(out).toBe(`/*+ hint */ /* interlock:split-delete */ DELETE FROM c WHERE id IN (${joined})`);
    expect(
      witness.provesDelete(bytes(joined), bytes('DELETE FROM c WHERE id IN (1)'), bytes(out ?? '')),
    ).toBe(true);
  });

  it('a marker is an id, never SQL', () => {
    expect(() => rewrite(joined, 'DELETE FROM c WHERE id IN (1)', false, 'x */ DROP')).toThrow(RangeError);
  });

  it.each([
    ['no list', joined, 'DELETE FROM c WHERE id = 1'],
    ['a list with others', joined, 'DELETE FROM c WHERE id IN (1) AND a = 2'],
    ['two columns', 'SELECT id, a FROM c', 'DELETE FROM c WHERE id IN (1)'],
    ['a parameter outside the list', joined, 'DELETE FROM c WHERE id IN (1) RETURNING $1'],
    [
      'an order that decides',
      'SELECT DISTINCT ON (a) id FROM c ORDER BY a, b',
      'DELETE FROM c WHERE id IN (1)',
    ],
    ['an order with a parameter', 'SELECT id FROM c ORDER BY a = $1', 'DELETE FROM c WHERE id IN (1)'],
  ])('undefined with %s', (_, select, deletion) => {
    expect(rewrite(select, deletion, false)).toBeUndefined();
  });

  it('latin1 and UTF-8 bytes come through unchanged', () => {
    const select = Buffer.from('SELECT id FROM c WHERE n = \'Ä\xff\' AND "ü" = 1', 'latin1');
    const deletion = Buffer.from('DELETE FROM c WHERE id IN (1) -- ß', 'latin1');
    const s = shapeOf(select.toString());
    expect(s.kind).toBe('select');
    const out = deleteBySubselect(
      deletion,
      deleteOf('DELETE FROM c WHERE id IN (1)'),
      select,
      selectOf('SELECT id FROM c WHERE n = \'xx\' AND "u" = 1'),
    );
    expect(out?.text.includes(select)).toBe(true);
    expect(witness.provesDelete(select, deletion, out?.text ?? select)).toBe(true);
  });
});

describe('provesDelete refuses', () => {
  const deletion = 'DELETE FROM c WHERE id IN (1, 2) AND 1=1';
  const select = 'SELECT c.id FROM c JOIN a ON c.x = a.x WHERE a.y = 5 ORDER BY c.id';
  const query = 'SELECT c.id FROM c JOIN a ON c.x = a.x WHERE a.y = 5';
  const proves = (out: string, alias?: string): boolean =>
    witness.provesDelete(bytes(select), bytes(deletion), bytes(out), alias);

  it('nothing when the output is the intended one', () => {
    expect(proves(`DELETE FROM c WHERE id IN (${query}) AND 1=1`)).toBe(true);
    expect(proves(`DELETE FROM c WHERE id IN (${query} FOR UPDATE OF c) AND 1=1`, 'c')).toBe(true);
  });

  it.each([
    ['the lock is missing', `DELETE FROM c WHERE id IN (${query}) AND 1=1`, 'c'],
    [
      'there is a lock nobody meant',
      `DELETE FROM c WHERE id IN (${query} FOR UPDATE OF c) AND 1=1`,
      undefined,
    ],
    ['another table is locked', `DELETE FROM c WHERE id IN (${query} FOR UPDATE OF a) AND 1=1`, 'c'],
    ['the lock is weaker', `DELETE FROM c WHERE id IN (${query} FOR SHARE OF c) AND 1=1`, 'c'],
    ['the lock does not wait', `DELETE FROM c WHERE id IN (${query} FOR UPDATE OF c NOWAIT) AND 1=1`, 'c'],
    ['a constant differs', `DELETE FROM c WHERE id IN (${query.replace('5', '6')}) AND 1=1`, undefined],
    [
      'a condition is gone',
      'DELETE FROM c WHERE id IN (SELECT c.id FROM c JOIN a ON c.x = a.x) AND 1=1',
      undefined,
    ],
    ['the column differs', `DELETE FROM c WHERE x IN (${query}) AND 1=1`, undefined],
    ['it is negated', `DELETE FROM c WHERE id NOT IN (${query}) AND 1=1`, undefined],
    ['another table is deleted from', `DELETE FROM a WHERE id IN (${query}) AND 1=1`, undefined],
    ['something was added', `DELETE FROM c WHERE id IN (${query}) AND 1=1 RETURNING id`, undefined],
    [
      'a second statement was added',
      `DELETE FROM c WHERE id IN (${query}) AND 1=1; DELETE FROM a`,
      undefined,
    ],
    ['a comment hides the rest', `DELETE FROM c WHERE id IN (${query}) -- AND 1=1`, undefined],
    ['the order was kept', `DELETE FROM c WHERE id IN (${select}) AND 1=1`, undefined],
    ['the text is empty', '', undefined],
    ['the original is sent', deletion, undefined],
    ['the alias is unknown', `DELETE FROM c WHERE id IN (${query} FOR UPDATE OF z) AND 1=1`, 'z'],
  ])('when %s', (_, out, alias) => {
    expect(proves(out, alias)).toBe(false);
  });

  it('the tokens are right but the tree is not: FOR UPDATE of a list behind AND with OR', () => {
    const loose = 'DELETE FROM c WHERE id = 1 OR id = 2';
    expect(
      witness.provesDelete(bytes(query), bytes(loose), bytes(`DELETE FROM c WHERE id IN (${query})`)),
    ).toBe(true);
    // a SELECT that ends in the middle of a construct would swallow the closing parenthesis
    expect(
      witness.provesDelete(
        bytes('SELECT id FROM c WHERE'),
        bytes(loose),
        bytes('DELETE FROM c WHERE id IN (SELECT id FROM c WHERE)'),
      ),
    ).toBe(false);
  });

  it('a kept verdict is one for these texts only', () => {
    const other = query.replace('5', '7');
    expect(
      witness.provesDelete(
        bytes(other),
        bytes(deletion),
        bytes(`DELETE FROM c WHERE id IN (${other}) AND 1=1`),
      ),
    ).toBe(true);
    expect(
      witness.provesDelete(
        bytes(other),
        bytes(deletion),
        bytes(`DELETE FROM c WHERE id IN (${query}) AND 1=1`),
      ),
    ).toBe(false);
  });
});

describe('lockingRead', () => {
  const lock = (text: string, of: boolean, marker?: string): string => {
    const shape = selectOf(text);
    const table = of ? shape.tables[0] : undefined;
    return lockingRead(bytes(text), shape, {
      ...(table === undefined ? {} : { lockOf: table }),
      ...(marker === undefined ? {} : { marker }),
    }).toString();
  };

  it.each([
    ['SELECT * FROM t WHERE a = 1', false, 'SELECT * FROM t WHERE a = 1 FOR UPDATE'],
    ['SELECT * FROM t WHERE a = 1;', false, 'SELECT * FROM t WHERE a = 1 FOR UPDATE;'],
    ['SELECT * FROM t WHERE a = 1 ; -- c', false, 'SELECT * FROM t WHERE a = 1 FOR UPDATE ; -- c'],
    ['/* a */ SELECT * FROM t /* b */', false, '/* a */ SELECT * FROM t FOR UPDATE /* b */'],
    ["SELECT * FROM t WHERE a = ';' -- ;", false, "SELECT * FROM t WHERE a = ';' FOR UPDATE -- ;"],
    ['SELECT * FROM t LIMIT 21', false, 'SELECT * FROM t LIMIT 21 FOR UPDATE'],
    [
      'SELECT a.* FROM s.t AS a LEFT JOIN b ON true LIMIT $2 OFFSET $3',
      true,
      'SELECT a.* FROM s.t AS a LEFT JOIN b ON true LIMIT $2 OFFSET $3 FOR UPDATE OF a',
    ],
    ['SELECT t.* FROM public."T" t, u', true, 'SELECT t.* FROM public."T" t, u FOR UPDATE OF t'],
    ['SELECT * FROM public."T", u', true, 'SELECT * FROM public."T", u FOR UPDATE OF "T"'],
  ])('%s, OF %s', (text, of, expected) => {
    const out = lock(text, of);
    expect(out).toBe(expected);
    const alias = of ? selectOf(text).tables[0]?.alias : undefined;
    expect(witness.provesLockingRead(bytes(text), bytes(out), alias)).toBe(true);
    expect(selectOf(out).locking).toBe(true);
  });

  it('with a marker', () => {
    const text = 'SELECT * FROM t';
    const out = lock(text, false, 'unlocked-read-after-unique-violation');
    expect(out).toBe('/* interlock:unlocked-read-after-unique-violation */ SELECT * FROM t FOR UPDATE');
    expect(witness.provesLockingRead(bytes(text), bytes(out))).toBe(true);
  });

  it.each([
    ['no lock', 'SELECT * FROM t, u', 'SELECT * FROM t, u', undefined],
    ['another lock', 'SELECT * FROM t, u', 'SELECT * FROM t, u FOR SHARE', undefined],
    ['OF where none was meant', 'SELECT * FROM t, u', 'SELECT * FROM t, u FOR UPDATE OF t', undefined],
    ['no OF where one was meant', 'SELECT * FROM t, u', 'SELECT * FROM t, u FOR UPDATE', 't'],
    ['OF another table', 'SELECT * FROM t, u', 'SELECT * FROM t, u FOR UPDATE OF u', 't'],
    ['an unknown alias', 'SELECT * FROM t, u', 'SELECT * FROM t, u FOR UPDATE OF z', 'z'],
    ['two locks', 'SELECT * FROM t FOR UPDATE', 'SELECT * FROM t FOR UPDATE FOR UPDATE', undefined],
    ['another predicate', 'SELECT * FROM t WHERE a = 1', 'SELECT * FROM t WHERE a = 2 FOR UPDATE', undefined],
    ['a lock in a comment', 'SELECT * FROM t -- x', 'SELECT * FROM t -- x FOR UPDATE', undefined],
    ['a set operation', 'SELECT 1 UNION SELECT', 'SELECT 1 UNION SELECT FOR UPDATE OF', undefined],
    ['no SELECT', 'DELETE FROM t', 'DELETE FROM t FOR UPDATE', undefined],
  ])('provesLockingRead refuses %s', (_, text, out, alias) => {
    expect(witness.provesLockingRead(bytes(text), bytes(out), alias)).toBe(false);
  });
});

describe('lockable', () => {
  it.each([
    ['SELECT t.id FROM t', true],
    ['SELECT t.id FROM t JOIN u ON true', true],
    ['SELECT t.id FROM t LEFT JOIN u ON true', true],
    ['SELECT t.id FROM t LIMIT 1', true],
    ['SELECT t.id FROM t WHERE a IN (SELECT DISTINCT b FROM u)', true],
    ['SELECT t.id FROM u LEFT JOIN t ON true', false],
    ['SELECT DISTINCT t.id FROM t', false],
    ['SELECT t.id FROM t GROUP BY t.id', false],
    ['SELECT t.id FROM t HAVING true', false],
    ['SELECT t.id FROM t UNION SELECT 1', false],
    ['WITH q AS (SELECT 1) SELECT t.id FROM t', false],
    ['SELECT t.id INTO x FROM t', false],
    ['SELECT t.id FROM t FOR SHARE', false],
    ['SELECT t.id FROM t WINDOW w AS ()', false],
    ['SELECT t.id FROM t JOIN u USING (id)', false],
    ['SELECT t.id FROM t, (SELECT 1) q', false],
  ])('%s: lockable %s', (text, expected) => {
    const shape = selectOf(text);
    expect(lockable(shape, keyTable(shape))).toBe(expected);
  });
});

describe('every pair of harvested statements that could be a split delete', () => {
  const selects = harvested
    .map((one) => one.sql)
    .filter((sql) => {
      const shape = shapeOf(sql);
      return (
        shape.kind === 'select' &&
        shape.items.length === 1 &&
        keyTable(shape) !== undefined &&
        shape.limit === undefined
      );
    });
  const deletes = harvested
    .map((one) => one.sql)
    .filter((sql) => {
      const shape = shapeOf(sql);
      return shape.kind === 'delete' && shape.list !== undefined && !shape.returning && !shape.other;
    });

  it('is rewritten and proved', () => {
    let proved = 0;
    for (const select of selects) {
      const table = keyTable(selectOf(select));
      for (const deletion of deletes.slice(0, 30)) {
        const lock = lockable(selectOf(select), table);
        const out = rewrite(select, deletion, lock);
        if (out === undefined) continue;
        expect(
          witness.provesDelete(bytes(select), bytes(deletion), bytes(out), lock ? table?.alias : undefined),
        ).toBe(true);
        proved++;
      }
    }
    expect(selects.length).toBeGreaterThan(20);
    expect(proved).toBeGreaterThan(500);
  });

  it('and every harvested lockable read is locked and proved', () => {
    let proved = 0;
    for (const { sql } of harvested) {
      const shape = shapeOf(sql);
      if (shape.kind !== 'select' || !lockable(shape, shape.tables[0])) continue;
      const [table] = shape.tables;
      const of = shape.tables.length > 1 ? table : undefined;
      const out = lockingRead(bytes(sql), shape, of === undefined ? {} : { lockOf: of });
      expect(witness.provesLockingRead(bytes(sql), out, of?.alias)).toBe(true);
      proved++;
    }
    expect(proved).toBeGreaterThan(100);
  });
});
