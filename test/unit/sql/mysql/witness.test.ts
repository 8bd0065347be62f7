/** The witness for MySQL and MariaDB: what it agrees with, what it refuses, what it proves and what it does not. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { classify } from '../../../../src/sql/classify.ts';
import {
  derivedDelete,
  keyProbe,
  lockByKey,
  lockingReadMysql,
  multiTableDelete,
} from '../../../../src/sql/rewrites-mysql.ts';
import { lockable } from '../../../../src/sql/rewrites.ts';
import type { DeleteShape, SelectShape, Shape } from '../../../../src/sql/shape.ts';
import { Tokens } from '../../../../src/sql/tokens.ts';
import { mysqlParserReads, mysqlWitnessLimits } from '../../../../src/sql/witness/limits.ts';
import { maskMysql } from '../../../../src/sql/witness/mysql-mask.ts';
import { MysqlParser } from '../../../../src/sql/witness/mysql-parser.ts';
import { loadMysqlWitness, MysqlWitness } from '../../../../src/sql/witness/mysql.ts';
import { ansi, bytes, deleteOf, harvested, mariadb, mysql, selectOf, shapeOf } from './support.ts';

/** Statements written for these tests, one a line; `# …` is a comment. */
const written = readFileSync(new URL('statements-mysql.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('# '));

const witness = loadMysqlWitness('mysql');
const agrees = (text: string, shape: Shape = shapeOf(text), settings = mysql): boolean =>
  witness.agrees(bytes(text), shape, settings);

describe.each([mysql, mariadb])('what ORMs send, $dialect', (settings) => {
  const dialect = settings.dialect === 'mariadb' ? 'mariadb' : 'mysql';
  const ours = loadMysqlWitness(dialect);

  it('every SELECT is agreed on, and every DELETE that a pattern looks at', () => {
    const refused: string[] = [];
    const counts = { select: 0, delete: 0, insert: 0 };
    for (const { sql } of harvested) {
      const { shape } = classify(bytes(sql), settings);
      if (shape.kind !== 'select' && shape.kind !== 'delete' && shape.kind !== 'insert') continue;
      counts[shape.kind]++;
      if (!ours.agrees(bytes(sql), shape, settings)) refused.push(sql);
    }
    process.stdout.write(`${dialect}: ${JSON.stringify(counts)}, not agreed: ${refused.length}\n`);
    expect(counts.select).toBeGreaterThan(150);
    expect(counts.delete).toBeGreaterThan(60);
    // the MySQL grammar knows no RETURNING and no DEFAULT in front of a row, the MariaDB grammar no DELETE … LIMIT
    const known = dialect === 'mysql' ? /^INSERT .*(?:RETURNING|\(DEFAULT)/ : /^DELETE .* LIMIT /i;
    expect(refused.filter((sql) => !known.test(sql))).toEqual([]);
  });

  it('other styles of SQL are agreed on, but for what the grammars do not know', () => {
    const both = /@p|<=>|MATCH|INDEX \(|NATURAL|FOR SHARE|FOUND_ROWS/;
    const unknown = dialect === 'mysql' ? both : new RegExp(`${both.source}|->>|STRAIGHT`);
    for (const sql of written) {
      const { shape } = classify(bytes(sql), settings);
      expect(ours.agrees(bytes(sql), shape, settings), sql).toBe(!unknown.test(sql));
    }
  });

  it('every text that the builders make of it is proved', () => {
    const counts: Record<string, number> = { multiple: 0, derived: 0, locked: 0, 'by key': 0, probe: 0 };
    const failed: string[] = [];
    const check = (what: string, text: Buffer, proved: boolean): void => {
      counts[what] = (counts[what] ?? 0) + 1;
      if (!proved) failed.push(text.toString());
    };
    for (const { sql } of harvested) {
      const text = bytes(sql);
      const { shape } = classify(text, settings);
      const target = shape.kind === 'select' ? shape.tables[0] : undefined;
      if (shape.kind !== 'select' || target === undefined) continue;
      const { start, end } = target.nameSpan;
      const deleteText = bytes(`DELETE FROM ${text.subarray(start, end).toString()} WHERE id IN (1, 2);`);
      const deletion = deleteOf(deleteText.toString(), settings);
      const marked = { settings, marker: 'split-delete' };
      for (const [what, built] of [
        ['multiple', multiTableDelete(deleteText, deletion, text, shape, target, marked)],
        ['derived', derivedDelete(deleteText, deletion, text, shape, target, 'id', marked)],
      ] as const) {
        if (built === undefined) continue;
        check(what, built.text, ours.provesDelete(text, deleteText, built.text, undefined, settings));
      }
      if (lockable(shape, target)) {
        const locked = lockingReadMysql(text, shape, marked);
        check('locked', locked, ours.provesLockingRead(text, locked, undefined, settings));
      }
      const byKey = lockByKey(text, shape, target, 'id', "X'00ff'", marked);
      if (byKey !== undefined)
        check('by key', byKey.text, ours.provesLockingRead(text, byKey.text, undefined, settings));
      const probe = keyProbe(text, shape, target, 'id', marked);
      if (probe !== undefined) {
        const read = classify(probe.text, settings).shape;
        check('probe', probe.text, ours.agrees(probe.text, read, settings));
      }
    }
    process.stdout.write(`${dialect}: ${JSON.stringify(counts)}\n`);
    expect(failed).toEqual([]);
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(30);
  });
});

describe('agrees', () => {
  const select =
    "SELECT a.id AS k FROM s.t a LEFT JOIN u ON a.x = u.x WHERE a.k = ? AND lower(a.y) = 'x' LIMIT 5";

  it('about other forms than the captured ones', () => {
    for (const text of [
      select,
      'SELECT t.* FROM t, u WHERE t.id = u.id',
      'SELECT a.id FROM a RIGHT JOIN (b JOIN c ON b.i = c.i) ON a.i = b.i, d',
      'SELECT id FROM t WHERE a = -1 AND b = NULL AND c = TRUE AND d = 1.5',
      "SELECT id FROM t WHERE a = X'01' AND b = _binary'x' AND c = 'it''s'",
      'SELECT id FROM t WHERE (a, b) IN ((1, 2), (3, 4))',
      "SELECT id FROM t WHERE a LIKE 'x%' ESCAPE '!' AND b REGEXP 'x'",
      'SELECT COUNT(DISTINCT a) FROM t HAVING COUNT(*) > 1 ORDER BY NULL',
      'SELECT id FROM t WHERE d > NOW() - INTERVAL 1 DAY',
      'SELECT id, ROW_NUMBER() OVER (ORDER BY id) FROM t',
      'SELECT id FROM t UNION SELECT id FROM u',
      'SELECT id FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.t = t.id LIMIT 1)',
      'SELECT id FROM t WHERE CASE WHEN a THEN 1 ELSE 2 END = 1',
      'SELECT id FROM t LIMIT 1, 2',
      'SELECT id FROM t FOR UPDATE SKIP LOCKED',
      'SELECT SQL_NO_CACHE id FROM t',
      'SELECT `we``ird` FROM `t``x`',
      'SELECT id # end of line\n FROM t -- another\n WHERE a = 1',
      'DELETE FROM s.t WHERE (id = ? OR id = ? OR id = ?)',
      'DELETE FROM t WHERE (id IN (?, ?) AND 1=1)',
      'DELETE FROM t WHERE id IN (SELECT t FROM t)',
      'DELETE x FROM t AS x JOIN u ON u.id = x.u',
    ]) {
      expect(agrees(text), text).toBe(true);
    }
  });

  const lies: [string, (shape: SelectShape) => object][] = [
    ['an item', (s) => ({ items: [...s.items, ...s.items] })],
    ['an alias of an item', (s) => ({ items: s.items.map((item) => ({ ...item, alias: 'z' })) })],
    ['a table', (s) => ({ tables: s.tables.slice(1) })],
    ['an alias', (s) => ({ tables: s.tables.map((t) => ({ ...t, alias: 'z' })) })],
    ['a schema', (s) => ({ tables: s.tables.map((t) => ({ ...t, name: { name: t.name.name } })) })],
    ['the nullable side', (s) => ({ tables: s.tables.map((t) => ({ ...t, nullable: false })) })],
    ['plain FROM', () => ({ plainFrom: false })],
    ['tables read', (s) => ({ tablesRead: s.tablesRead.slice(1) })],
    ['functions', () => ({ functions: [] })],
    ['an equality', () => ({ equalities: [] })],
    ['LIMIT', (s) => ({ limit: undefined, span: s.span })],
    ['OFFSET', (s) => ({ offset: s.limit })],
    ['DISTINCT', () => ({ distinct: true })],
    ['GROUP BY', () => ({ groupBy: true })],
    ['HAVING', () => ({ having: true })],
    ['a lock', () => ({ locking: true })],
    ['a sub-query', () => ({ subquery: true })],
    ['an aggregate', () => ({ aggregate: true })],
    ['a window', () => ({ window: true })],
    ['a set operation', () => ({ setOperation: true })],
    ['WITH', () => ({ with: true })],
    ['INTO', () => ({ into: true })],
    ['WHERE', () => ({ hasWhere: false })],
    ['ORDER BY', (s) => ({ span: { ...s.span, orderBy: s.span.body } })],
    ['a user variable', () => ({ userVariable: true })],
  ];
  it.each(lies)('not when the shape is wrong about %s', (_, lie) => {
    const shape = selectOf(select);
    expect(agrees(select, shape)).toBe(true);
    expect(agrees(select, { ...shape, ...lie(shape) } as SelectShape)).toBe(false);
  });

  const deletion = 'DELETE FROM s.t WHERE t.id IN (?, ?)';
  const deleteLies: [string, (shape: DeleteShape) => object][] = [
    ['the table', (s) => ({ table: { ...s.table, name: { name: 'u' } } })],
    ['its alias', (s) => ({ table: { ...s.table, alias: 'u' } })],
    ['the list', () => ({ list: undefined })],
    ['its column', (s) => ({ list: { ...s.list, column: { column: 'k' } } })],
    ['its form', (s) => ({ list: { ...s.list, form: 'or' } })],
    ['one key', (s) => ({ single: { column: s.list?.column, value: s.list?.values[0] } })],
    ['other clauses', () => ({ other: true })],
    ['RETURNING', () => ({ returning: true })],
    ['tables read', () => ({ tablesRead: [{ name: 'u' }] })],
  ];
  it.each(deleteLies)('not when the DELETE is wrong about %s', (_, lie) => {
    const shape = deleteOf(deletion);
    expect(agrees(deletion, shape)).toBe(true);
    expect(agrees(deletion, { ...shape, ...lie(shape) } as DeleteShape)).toBe(false);
  });

  it.each([
    ['DISTINCTROW, which the grammar takes for a column', 'SELECT DISTINCTROW a FROM t'],
    ['SQL_CALC_FOUND_ROWS', 'SELECT SQL_CALC_FOUND_ROWS a FROM t'],
    ['`--` without a blank, which the grammar takes for a comment', 'SELECT a FROM t WHERE b = 1--1'],
    ['always false, masked like always true', 'DELETE FROM t WHERE id IN (1) AND 1=2'],
    ['||', 'SELECT a FROM t WHERE b = 1 AND (a = 1 || b = 2)'],
    ['two statements', 'SELECT 1; SELECT 2'],
    ['an executable comment', 'SELECT a /*! , b */ FROM t'],
    ['a user variable', 'SELECT a FROM t WHERE b = @b'],
    ['UPDATE', 'UPDATE t SET a = 1'],
    ['BEGIN', 'BEGIN'],
  ])('not about %s', (_, text) => {
    expect(agrees(text)).toBe(false);
  });

  it('reads quotes and backslashes as the session does, and not at all without knowing', () => {
    const quoted = 'SELECT "a" FROM "t" WHERE "b" = \'x\'';
    expect(agrees(quoted, shapeOf(quoted, ansi), ansi)).toBe(true);
    expect(agrees(quoted, shapeOf(quoted, ansi), mysql)).toBe(false);
    expect(witness.agrees(bytes(quoted), shapeOf(quoted, ansi))).toBe(false);
    const escaped = "SELECT a FROM t WHERE b = 'it\\'s'";
    expect(agrees(escaped)).toBe(true);
    expect(witness.agrees(bytes(escaped), shapeOf(escaped))).toBe(false);
    const backslash = "SELECT a FROM t WHERE b = 'c:\\\\x'";
    const raw = { ...mysql, noBackslashEscapes: true };
    expect(agrees(backslash, shapeOf(backslash, raw), raw)).toBe(false);
    const plain = "SELECT a FROM t WHERE b = 'x'";
    expect(witness.agrees(bytes(plain), shapeOf(plain))).toBe(true);
  });

  it('asks the grammar once for texts that differ in constants only', () => {
    let asked = 0;
    const real = new MysqlParser('mysql');
    const counting = new MysqlWitness(
      new MysqlParser('mysql', { parse: (text) => (asked++, { ast: real.parse(text) }) }),
    );
    for (const ids of ['1', '2, 3', '?, ?, ?', "'a', 'b'"]) {
      const text = `DELETE FROM t WHERE id IN (${ids})`;
      expect(counting.agrees(bytes(text), shapeOf(text), mysql), text).toBe(true);
    }
    expect(asked).toBe(3);
  });

  it('a grammar that throws is a grammar that rejects', () => {
    const broken = new MysqlWitness(
      new MysqlParser('mysql', {
        parse: () => {
          throw new TypeError('x');
        },
      }),
    );
    expect(broken.agrees(bytes('SELECT 1 FROM t'), shapeOf('SELECT 1 FROM t'), mysql)).toBe(false);
    for (const ast of [undefined, null, [], 'x', [{}, {}], { type: 'create' }]) {
      const odd = new MysqlWitness(new MysqlParser('mysql', { parse: () => ({ ast }) }));
      expect(odd.agrees(bytes('SELECT 1 FROM t'), shapeOf('SELECT 1 FROM t'), mysql)).toBe(false);
    }
  });
});

describe('parser bombs', () => {
  const nested = (open: string, close: string, levels: number): string =>
    `SELECT id FROM t WHERE ${open.repeat(levels)}1${close.repeat(levels)}`;

  it('a grammar that reads without end is stopped after so many reads', () => {
    let reads = 0;
    const endless = new MysqlParser('mysql', {
      parse: (text) => {
        for (;;) {
          text.charCodeAt(0);
          reads += 1;
        }
      },
    });
    expect(endless.parse('SELECT 1 FROM t')).toBeUndefined();
    expect(reads).toBe(mysqlParserReads);
  });

  it.each([
    ['sub-selects', nested('(SELECT ', ')', 12)],
    ['CASTs', nested('CAST(', ' AS CHAR)', 12)],
    ['CASTs that are wrong inside', nested('CAST(', ')', 8)],
    ['sums of CASTs', nested('CAST(1 + ', ' AS CHAR)', 12)],
  ])('%s: minutes of work in 68 bytes or few more are no answer', (_, text) => {
    for (const settings of [mysql, mariadb])
      expect(
        loadMysqlWitness(settings.dialect as 'mysql').agrees(bytes(text), shapeOf(text, settings), settings),
      ).toBe(false);
  });

  it('few levels of the same are read', () => {
    const text = nested('CAST(', ' AS CHAR)', 3);
    expect(loadMysqlWitness('mysql').agrees(bytes(text), shapeOf(text), mysql)).toBe(true);
  });

  it('the longest text that an ORM sent needs a fifth of the reads', () => {
    let most = 0;
    const real = new MysqlParser('mysql');
    class Watched extends String {
      override charCodeAt(index: number): number {
        most += 1;
        return super.charCodeAt(index);
      }
    }
    const texts = harvested.map(({ sql }) => sql).toSorted((one, other) => other.length - one.length);
    const [longest = ''] = texts;
    real.parse(new Watched(longest) as unknown as string);
    expect(most).toBeLessThan(mysqlParserReads / 5);
  });
});

describe('mask', () => {
  const tokens = new Tokens();
  const mask = (text: string, settings = mysql): string | undefined => {
    const shape = shapeOf(text, settings);
    return maskMysql(
      bytes(text),
      tokens,
      mysqlWitnessLimits,
      settings,
      shape.kind === 'delete' ? shape.list : undefined,
    )?.text;
  };

  it.each([
    ["SELECT a  FROM t /* c */ WHERE b = 'y' AND c = 17", "SELECT a FROM t WHERE b = 'x' AND c = 1"],
    ['SELECT a FROM t WHERE b IN (1, 2, 3)', 'SELECT a FROM t WHERE b IN (1)'],
    ["SELECT a FROM t WHERE b IN (?, 'y') AND c IN (1, a)", 'SELECT a FROM t WHERE b IN (?) AND c IN (1, a)'],
    ['DELETE FROM t WHERE id = 1 OR id = 2 OR id = 3 OR id = 4', 'DELETE FROM t WHERE id = 1 OR id = 1'],
    ["SELECT 'it''s', 'a\\'b', 1.5 FROM t", "SELECT 'it''s', 'a\\'b', 1.5 FROM t"],
    ['SELECT a -- x\n FROM t', 'SELECT a -- x\n FROM t'],
    ['SELECT "y" FROM t', "SELECT 'x' FROM t"],
  ])('%s', (text, expected) => {
    expect(mask(text)?.trim()).toBe(expected);
  });

  it('names in double quotes get backticks', () => {
    expect(mask('SELECT "a""b`c" FROM t', ansi)).toBe('SELECT `a"b``c` FROM t');
  });

  it.each([
    ['too many tokens', `SELECT ${'a, '.repeat(500)} a FROM t`],
    ['too deep', `SELECT ${'('.repeat(40)}1${')'.repeat(40)} FROM t`],
    ['too long', `SELECT a FROM t WHERE b = '${'\\\\'.repeat(10_000)}'`],
    ['not readable', "SELECT 'a"],
  ])('nothing: %s', (_, text) => {
    expect(mask(text)).toBeUndefined();
  });

  it('a list of any length is short', () => {
    const ids = Array.from({ length: 5_000 }, (_, i) => `${i}`).join(', ');
    expect(mask(`DELETE FROM t WHERE id IN (${ids})`)).toBe('DELETE FROM t WHERE id IN (1)');
  });
});

describe('proofs', () => {
  const select = 'SELECT c.id FROM c JOIN a ON a.id = c.a_id WHERE a.n = ? AND c.v = 2 ORDER BY c.id';
  const deletion = 'DELETE FROM c WHERE id IN (?, ?)';
  const proves = (out: string, from = select, of = deletion): boolean =>
    witness.provesDelete(bytes(from), bytes(of), bytes(out), undefined, mysql);
  const faithful = 'DELETE c FROM c JOIN a ON a.id = c.a_id WHERE a.n = ? AND c.v = 2';

  it('the DELETE of several tables', () => {
    expect(proves(faithful)).toBe(true);
    expect(proves(`/* interlock:split-delete */ ${faithful} `)).toBe(true);
  });

  it.each([
    ['another target', faithful.replace('DELETE c', 'DELETE a')],
    ['two targets', faithful.replace('DELETE c', 'DELETE c, a')],
    ['a lost condition', faithful.replace(' AND c.v = 2', '')],
    ['another constant', faithful.replace('= 2', '= 3')],
    ['another operator', faithful.replace('c.v = 2', 'c.v != 2')],
    ['OR for AND', faithful.replace('AND', 'OR')],
    ['another join', faithful.replace('JOIN', 'LEFT JOIN')],
    ['an order', `${faithful} ORDER BY c.id`],
    ['a LIMIT', `${faithful} LIMIT 1`],
    ['a lost table', 'DELETE c FROM c WHERE c.v = 2'],
    ['IGNORE', faithful.replace('DELETE', 'DELETE IGNORE')],
    ['a second statement', `${faithful}; DELETE FROM a`],
    ['an executable comment', `${faithful} /*! OR 1 */`],
    ['the original', deletion],
    ['nothing', ''],
  ])('not with %s', (_, out) => {
    expect(proves(out)).toBe(false);
  });

  it.each([
    ['a SELECT with LIMIT', 'SELECT id FROM c LIMIT 5', deletion, 'DELETE c FROM c LIMIT 5'],
    ['a locked SELECT', 'SELECT id FROM c FOR UPDATE', deletion, 'DELETE c FROM c FOR UPDATE'],
    ['another table than the DELETE has', 'SELECT id FROM a', deletion, 'DELETE a FROM a'],
    [
      'an alias of another table',
      'SELECT x.id FROM c x JOIN c y ON y.p = x.id',
      deletion,
      'DELETE y FROM c x JOIN c y ON y.p = x.id',
    ],
    [
      'a DELETE with other conditions',
      'SELECT id FROM c',
      'DELETE FROM c WHERE id IN (1) AND v = 1',
      'DELETE c FROM c',
    ],
    ['a DELETE with LIMIT', 'SELECT id FROM c', 'DELETE FROM c WHERE id IN (1) LIMIT 1', 'DELETE c FROM c'],
    ['a parameter lost with the list', 'SELECT ? FROM c', deletion, 'DELETE c FROM c'],
    ['grouping', 'SELECT id FROM c GROUP BY id', deletion, 'DELETE c FROM c GROUP BY id'],
    ['DISTINCT', 'SELECT DISTINCT id FROM c', deletion, 'DELETE c FROM c'],
  ])('not for %s', (_, from, of, out) => {
    expect(proves(out, from, of)).toBe(false);
  });

  it('the key decides which table of one name is meant', () => {
    const from = 'SELECT y.id FROM c x JOIN c y ON y.p = x.id';
    expect(proves('DELETE y FROM c x JOIN c y ON y.p = x.id', from)).toBe(true);
    expect(proves('DELETE x FROM c x JOIN c y ON y.p = x.id', from)).toBe(false);
    expect(proves('DELETE y FROM c x JOIN c y ON y.p = x.id', from.replace('y.id', 'id'))).toBe(false);
  });

  it('the derived form', () => {
    const from = 'SELECT c.id AS k FROM s.c AS c GROUP BY c.id HAVING COUNT(*) > 1 ORDER BY NULL';
    const out =
      'DELETE interlock_target FROM (SELECT c.id AS k FROM s.c AS c GROUP BY c.id HAVING COUNT(*) > 1) AS interlock_ids STRAIGHT_JOIN s.c AS interlock_target ON interlock_ids.`k` = interlock_target.`id`';
    expect(proves(out, from)).toBe(true);
    for (const [a, b] of [
      ['`id`', '`v`'],
      ['`k`', '`id`'],
      ['> 1', '> 2'],
      ['s.c AS interlock_target', 'c AS interlock_target'],
      ['DELETE interlock_target', 'DELETE interlock_ids'],
      [') AS interlock_ids', ' LIMIT 1) AS interlock_ids'],
    ] as const) {
      expect(out).toContain(a);
      expect(proves(out.replace(a, b), from), b).toBe(false);
    }
  });

  it('the locking read, with the key or without', () => {
    const from = 'SELECT a FROM t WHERE b = ? OR c = 1 LIMIT 1;';
    const locks = (out: string): boolean =>
      witness.provesLockingRead(bytes(from), bytes(out), undefined, mysql);
    expect(locks('SELECT a FROM t WHERE b = ? OR c = 1 LIMIT 1 FOR UPDATE;')).toBe(true);
    expect(locks('SELECT a FROM t WHERE (b = ? OR c = 1) AND t.`id` = 5 LIMIT 1 FOR UPDATE;')).toBe(true);
    expect(locks("SELECT a FROM t WHERE (b = ? OR c = 1) AND t.`id` = _binary 'x' LIMIT 1 FOR UPDATE;")).toBe(
      true,
    );
    for (const out of [
      from,
      'SELECT a FROM t WHERE b = ? OR c = 1 LIMIT 1 LOCK IN SHARE MODE;',
      'SELECT a FROM t WHERE b = ? OR c = 1 LIMIT 1 FOR UPDATE SKIP LOCKED;',
      'SELECT a FROM t WHERE b = ? OR c = 2 LIMIT 1 FOR UPDATE;',
      'SELECT a FROM t WHERE b = ? OR c = 1 FOR UPDATE;',
      'SELECT a FROM t WHERE b = ? OR c = 1 AND t.`id` = 5 LIMIT 1 FOR UPDATE;',
      'SELECT a FROM t WHERE (b = ? OR c = 1) OR t.`id` = 5 LIMIT 1 FOR UPDATE;',
      'SELECT a FROM t WHERE (b = ? OR c = 1) AND t.`id` = 5 OR 1 LIMIT 1 FOR UPDATE;',
      'SELECT a FROM t WHERE (b = ? OR c = 1) AND t.`id` = ? LIMIT 1 FOR UPDATE;',
      'SELECT a FROM t WHERE (b = ? OR c = 1) AND u.`id` = 5 LIMIT 1 FOR UPDATE;',
      'SELECT a FROM t WHERE (b = ? OR c = 1) AND t.id = 5 LIMIT 1 FOR UPDATE;',
      '',
    ]) {
      expect(locks(out), out).toBe(false);
    }
    expect(witness.provesLockingRead(bytes(from), bytes(from.replace(';', ' FOR UPDATE;')), 't', mysql)).toBe(
      false,
    );
    expect(witness.provesDelete(bytes(select), bytes(deletion), bytes(faithful), 'c', mysql)).toBe(false);
  });
});
