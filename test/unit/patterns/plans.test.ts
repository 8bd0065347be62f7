/** What comes out for the statements that real ORMs send: the edited text, its parameters, and what runs around it. */
import { beforeAll, describe, expect, test } from 'vitest';
import { loadWitness } from '../../../src/sql/witness/postgres.ts';
import type { Witness } from '../../../src/sql/witness/types.ts';
import { guardKey } from '../../../src/patterns/guard.ts';
import type { Plan } from '../../../src/patterns/types.ts';
import { binary, planOf, text } from './scene.ts';
import type { Options, Step } from './scene.ts';
import { deletion, read } from './stories.ts';
import { insert, reread, violation } from './unlocked-read.cases.ts';

let witness: Witness;
beforeAll(async () => {
  witness = await loadWitness();
});

function plan(steps: (Step | string)[], options: Options = {}): Plan {
  return planOf(['BEGIN', ...steps], {
    witness,
    ...options,
    settings: { marker: false, ...options.settings },
  });
}

function textOf({ edited }: Plan): string {
  return edited.text.toString('latin1');
}

const int2 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};

describe('split-delete', () => {
  test('Django: the list becomes the SELECT, locked for the target', () => {
    const { before, after, guard, edited, reply } = plan([read, deletion]);
    expect(edited.text.toString()).toBe(
      `DELETE FROM "c" WHERE "c"."id" IN (SELECT "c"."id" FROM "c" INNER JOIN "a" ON ("c"."a_id" = "a"."id") WHERE "a"."name" = 'foo' FOR UPDATE OF "c")`,
    );
    expect(edited.parameters).toEqual({ formats: [], values: [], types: [] });
    expect({ before, after, reply }).toEqual({ before: [], after: [], reply: 'tag' });
    expect(guard).toEqual({ key: guardKey('shop', 'public', 'c'), mode: 'try', waitMs: 2000 });
  });

  test('TypeORM: the alias of the key is the one that is locked, and the parameters of the SELECT are the ones that stay', () => {
    const made = plan([
      {
        sql: `SELECT "Book"."id" AS "Book_id" FROM "c" "Book" LEFT JOIN "a" "x" ON "x"."id"="Book"."a_id" WHERE (("x"."name" = $1))`,
        parameters: text('foo'),
        rows: ['7', '9'],
      },
      { sql: 'DELETE FROM "c" WHERE "id" IN ($1, $2)', parameters: text('9', '7') },
    ]);
    expect(textOf(made)).toBe(
      `DELETE FROM "c" WHERE "id" IN (SELECT "Book"."id" AS "Book_id" FROM "c" "Book" LEFT JOIN "a" "x" ON "x"."id"="Book"."a_id" WHERE (("x"."name" = $1)) FOR UPDATE OF "Book")`,
    );
    expect(made.edited.parameters.values.map(String)).toEqual(['foo']);
  });

  test('Prisma: OFFSET $2 = 0 stays, AND 1=1 stays', () => {
    const made = plan([
      {
        sql: `SELECT "public"."c"."id" FROM "public"."c" LEFT JOIN "public"."a" AS "j0" ON ("j0"."id") = ("public"."c"."a_id") WHERE ("j0"."name" = $1) OFFSET $2`,
        parameters: text('foo', '0'),
        rows: ['1', '2'],
      },
      {
        sql: `DELETE FROM "public"."c" WHERE ("public"."c"."id" IN ($1,$2) AND 1=1)`,
        parameters: text('1', '2'),
      },
    ]);
    expect(textOf(made)).toBe(
      `DELETE FROM "public"."c" WHERE ("public"."c"."id" IN (SELECT "public"."c"."id" FROM "public"."c" LEFT JOIN "public"."a" AS "j0" ON ("j0"."id") = ("public"."c"."a_id") WHERE ("j0"."name" = $1) OFFSET $2 FOR UPDATE OF "c") AND 1=1)`,
    );
    expect(made.edited.parameters.values.map(String)).toEqual(['foo', '0']);
  });

  test('Sequelize: the semicolon of the SELECT does not come along', () => {
    const made = plan([
      { ...read, sql: `${read.sql};` },
      { sql: 'DELETE FROM "c" WHERE "id" IN (1, 2, 3);' },
    ]);
    expect(textOf(made)).toMatch(/^DELETE FROM "c" WHERE "id" IN \(SELECT [^;]* FOR UPDATE OF "c"\);$/);
  });

  test('psycopg 3: binary int2 with a cast', () => {
    const made = plan([
      read,
      {
        sql: 'DELETE FROM "c" WHERE "c"."id" IN ($1::INTEGER, $2::INTEGER, $3::INTEGER)',
        parameters: binary([21, int2(3)], [21, int2(1)], [21, int2(2)]),
      },
    ]);
    expect(textOf(made)).toContain('IN (SELECT ');
  });

  test('an array as one parameter; OR chains; one element written with IN', () => {
    const any = { sql: 'DELETE FROM "c" WHERE "id" = ANY($1)', parameters: text('{"1","2","3"}') };
    const or = {
      sql: 'DELETE FROM "c" WHERE ("id" = $1 OR "id" = $2 OR "id" = $3)',
      parameters: text('1', '2', '3'),
    };
    for (const last of [any, or]) expect(textOf(plan([read, last]))).toContain('"id" IN (SELECT ');
    const one = [{ ...read, rows: ['5'] }, 'DELETE FROM "c" WHERE "id" IN (5)'];
    expect(textOf(plan(one))).toContain('"id" IN (SELECT ');
  });

  test('chunks: only the last one is rewritten', () => {
    const rows = Array.from({ length: 250 }, (_, i) => String(i + 4));
    const chunk = (from: number, to: number) =>
      `DELETE FROM "c" WHERE "c"."id" IN (${rows.slice(from, to).toReversed().join(', ')})`;
    const made = plan([{ ...read, rows }, chunk(150, 250), chunk(50, 150), chunk(0, 50)]);
    expect(textOf(made)).toContain('IN (SELECT "c"."id"');
  });

  test('what cannot be locked is not', () => {
    for (const sql of [
      `SELECT DISTINCT "c"."id" FROM "c" JOIN "a" ON "a"."id" = "c"."a_id"`,
      `SELECT "c"."id" FROM "c" JOIN "a" ON "a"."id" = "c"."a_id" GROUP BY "c"."id" HAVING count(*) > 1`,
      `SELECT "c"."id" FROM "a" LEFT JOIN "c" ON "a"."id" = "c"."a_id"`,
    ]) {
      const last = plan([{ ...read, sql }, deletion]);
      expect(textOf(last)).toBe(`DELETE FROM "c" WHERE "c"."id" IN (${sql})`);
    }
    expect(textOf(plan([read, deletion], { facts: { mayLock: false } }))).not.toContain('FOR UPDATE');
  });

  test('deferrable constraints run inside, and only the deferred ones go back', () => {
    const deferrable = [
      { name: 'public.k_c_id_fk', initiallyDeferred: true, unique: true, trigger: false },
      { name: '"S".k2', initiallyDeferred: false, unique: true, trigger: false },
    ];
    const { before, after } = plan([read, deletion], { facts: { deferrable } });
    expect(before).toEqual(['SET CONSTRAINTS public.k_c_id_fk, "S".k2 IMMEDIATE']);
    expect(after).toEqual(['SET CONSTRAINTS public.k_c_id_fk DEFERRED']);
  });

  test('settings: guard and marker', () => {
    expect(plan([read, deletion], { settings: { guard: 'none' } })).not.toHaveProperty('guard');
    const wait = plan([read, deletion], { settings: { guard: 'wait', guard_wait: '500ms', marker: true } });
    expect(wait.guard).toMatchObject({ mode: 'wait', waitMs: 500 });
    expect(textOf(wait)).toMatch(/^\/\* interlock:test \*\/ DELETE /);
  });
});

describe('unlocked read after a unique violation', () => {
  test('Django: FOR UPDATE at the end, no guard, rows held', () => {
    const made = plan(['SAVEPOINT s', insert, 'ROLLBACK TO SAVEPOINT s', 'RELEASE SAVEPOINT s', reread]);
    expect(textOf(made)).toBe(`${reread.sql} FOR UPDATE`);
    expect(made).toMatchObject({ before: [], after: [], reply: 'rows' });
    expect(made).not.toHaveProperty('guard');
  });

  test('Django with select_related: the target only, behind LIMIT', () => {
    const made = plan(
      [
        'SAVEPOINT s',
        {
          sql: 'INSERT INTO "c" ("a_id", "b_id", "v") VALUES (2, 1, 1) RETURNING "c"."id"',
          error: { ...violation, constraint: 'c_a_id_b_id' },
        },
        'ROLLBACK TO SAVEPOINT s',
        {
          sql: 'SELECT "c"."id", "a"."name" FROM "c" INNER JOIN "a" ON ("c"."a_id" = "a"."id") WHERE ("c"."a_id" = 2 AND "c"."b_id" = 1) LIMIT 21',
        },
      ],
      {
        facts: {
          attributes: {
            2: { name: 'a_id', type: 23, hasDefault: false, inForeignKey: true },
            3: { name: 'b_id', type: 23, hasDefault: false, inForeignKey: true },
          },
          violated: {
            columns: ['a_id', 'b_id'],
            primary: false,
            partial: false,
            expression: false,
            deferrable: false,
          },
        },
      },
    );
    expect(textOf(made)).toMatch(/ LIMIT 21 FOR UPDATE OF "c"$/);
  });

  test('Rails: parameters in both, LIMIT $2', () => {
    const made = plan([
      'SAVEPOINT active_record_1',
      {
        sql: 'INSERT INTO "c" ("key", "v") VALUES ($1, $2) RETURNING "id"',
        parameters: text('new@x', '1'),
        error: violation,
      },
      'ROLLBACK TO SAVEPOINT active_record_1',
      { sql: 'SELECT "c".* FROM "c" WHERE "c"."key" = $1 LIMIT $2', parameters: text('new@x', '1') },
    ]);
    expect(textOf(made)).toBe('SELECT "c".* FROM "c" WHERE "c"."key" = $1 LIMIT $2 FOR UPDATE');
    expect(made.edited.parameters.values.map(String)).toEqual(['new@x', '1']);
  });

  test('Laravel: DEALLOCATE fails in the aborted transaction, in between', () => {
    const aborted = { sql: 'DEALLOCATE pdo_stmt_00000003', error: { code: '25P02' } };
    const made = plan(['SAVEPOINT trans2', insert, aborted, 'ROLLBACK TO SAVEPOINT trans2', reread]);
    expect(textOf(made)).toContain('FOR UPDATE');
  });

  test('a date is compared as text, a key column typed', () => {
    const violated = {
      columns: ['day', 'v'],
      primary: false,
      partial: false,
      expression: false,
      deferrable: false,
    };
    const made = plan(
      [
        'SAVEPOINT s',
        { sql: `INSERT INTO "c" ("day", "v") VALUES ('2026-01-02', 07)`, error: violation },
        'ROLLBACK TO s',
        {
          sql: `SELECT * FROM "c" WHERE "day" = $1 AND "v" = $2`,
          parameters: { formats: [0, 1], values: [Buffer.from('2026-01-02'), int2(7)], types: [0, 21] },
        },
      ],
      { facts: { violated } },
    );
    expect(textOf(made)).toContain('FOR UPDATE');
  });
});
