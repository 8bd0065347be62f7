/** What comes out on MySQL and MariaDB for the statements that real ORMs send. */
import { beforeAll, describe, expect, test } from 'vitest';
import { loadMysqlWitness } from '../../../src/sql/witness/mysql.ts';
import type { Witness } from '../../../src/sql/witness/types.ts';
import { guardKeyMysql } from '../../../src/patterns/guard.ts';
import type { Plan, Probe } from '../../../src/patterns/types.ts';
import { mysqlKey } from '../../../src/memory/keys-mysql.ts';
import { mysqlFacts } from './facts.ts';
import { planOf } from './scene.ts';
import type { Options, Step } from './scene.ts';
import { bound, deletion, duplicate, insert, read, reread } from './stories-mysql.ts';

describe.each(['mysql', 'mariadb'] as const)('%s', (dialect) => {
  let witness: Witness;
  beforeAll(() => {
    witness = loadMysqlWitness(dialect);
  });

  function plan(steps: (Step | string)[], options: Options = {}): Plan {
    return planOf(steps, {
      dialect,
      witness,
      autocommitOff: true,
      ...options,
      settings: { marker: false, ...options.settings },
    });
  }

  const textOf = ({ edited }: Plan): string => edited.text.toString('latin1');

  describe('split-delete', () => {
    test('Django: SET autocommit = 0 and no BEGIN, the list reversed', () => {
      const made = plan([read, 'DELETE FROM `c` WHERE `c`.`id` IN (3, 2, 1)']);
      expect(textOf(made)).toBe(
        "DELETE `c` FROM `c` INNER JOIN `a` ON (`c`.`a_id` = `a`.`id`) WHERE `a`.`name` = 'foo'",
      );
      expect(made.edited.parameters).toEqual({ formats: [], values: [], types: [] });
      expect(made).toMatchObject({ before: [], after: [], reply: 'tag' });
      expect(made.guard).toEqual({ key: guardKeyMysql('shop', 'c'), mode: 'try', waitMs: 2000 });
      expect(made).not.toHaveProperty('probe');
    });

    test('Django, ticket 31965: HAVING joins the SELECT as a table', () => {
      const sql =
        'SELECT `c`.`id` FROM `c` LEFT OUTER JOIN `k` ON (`c`.`id` = `k`.`c_id`) GROUP BY `c`.`id` HAVING COUNT(`k`.`id`) = 0 ORDER BY NULL';
      expect(textOf(plan([{ ...read, sql }, deletion]))).toBe(
        'DELETE interlock_target FROM (SELECT `c`.`id` FROM `c` LEFT OUTER JOIN `k` ON (`c`.`id` = `k`.`c_id`) GROUP BY `c`.`id` HAVING COUNT(`k`.`id`) = 0 ) AS interlock_ids STRAIGHT_JOIN `c` AS interlock_target ON interlock_ids.`id` = interlock_target.`id`',
      );
    });

    test('Django: chunks of 100, only the last one is rewritten', () => {
      const rows = Array.from({ length: 250 }, (_, i) => String(i + 4));
      const chunk = (from: number, to: number) =>
        `DELETE FROM \`c\` WHERE \`c\`.\`id\` IN (${rows.slice(from, to).join(', ')})`;
      const made = plan([{ ...read, rows }, chunk(0, 100), chunk(100, 200), chunk(200, 250)]);
      expect(textOf(made)).toMatch(/^DELETE `c` FROM `c` INNER JOIN/);
    });

    test('prepared statements: the parameters of the SELECT are the ones that stay', () => {
      const parameters = bound('foo');
      const made = plan(
        [
          'START TRANSACTION',
          {
            sql: 'SELECT `Book`.`id` AS `Book_id` FROM `c` `Book` LEFT JOIN `a` `x` ON `x`.`id`=`Book`.`a_id` WHERE ((`x`.`name` = ?))',
            parameters,
            rows: ['7', '9'],
          },
          { sql: 'DELETE FROM `c` WHERE `id` IN (?, ?)', parameters: bound('9', '7') },
        ],
        { autocommitOff: false },
      );
      expect(textOf(made)).toBe(
        'DELETE `Book` FROM `c` `Book` LEFT JOIN `a` `x` ON `x`.`id`=`Book`.`a_id` WHERE ((`x`.`name` = ?))',
      );
      expect(made.edited.parameters).toBe(parameters);
    });

    test('a table with its schema, a semicolon, a marker', () => {
      const made = plan(
        [
          { ...read, sql: 'SELECT `shop`.`c`.`id` FROM `shop`.`c`, `shop`.`a` WHERE `c`.`a_id` = `a`.`id`;' },
          'DELETE FROM `shop`.`c` WHERE (`shop`.`c`.`id` IN (1,2,3) AND 1=1);',
        ],
        { settings: { marker: true } },
      );
      expect(textOf(made)).toBe(
        '/* interlock:test */ DELETE `shop`.`c` FROM `shop`.`c`, `shop`.`a` WHERE `c`.`a_id` = `a`.`id`;',
      );
    });

    test('guard: none, wait', () => {
      expect(plan([read, deletion], { settings: { guard: 'none' } })).not.toHaveProperty('guard');
      const wait = plan([read, deletion], { settings: { guard: 'wait', guard_wait: '500ms' } });
      expect(wait.guard).toMatchObject({ mode: 'wait', waitMs: 500 });
    });
  });

  describe('unlocked read after a duplicate', () => {
    const lockedBy = (probe: Probe | undefined, ...keys: (string | null)[]): string => {
      const locked = probe?.locking(keys);
      if (locked === undefined) return 'no probe';
      return 'reason' in locked ? locked.reason : locked.text.toString('latin1');
    };

    test('Django under READ COMMITTED: the row is locked by its primary key', () => {
      const first = { sql: `${reread.sql} FOR UPDATE`, rows: [] };
      const made = plan(
        [first, 'SAVEPOINT `s1`', insert, 'ROLLBACK TO SAVEPOINT `s1`', 'RELEASE SAVEPOINT `s1`', reread],
        { settings: { when: 'after-locking-lookup' } },
      );
      expect(made.probe?.text.toString()).toBe("SELECT `c`.`id` FROM `c` WHERE `c`.`key` = 'k1'");
      expect(lockedBy(made.probe, '7')).toBe(
        "SELECT `c`.`id`, `c`.`key`, `c`.`v` FROM `c` WHERE (`c`.`key` = 'k1') AND `c`.`id` = 7 FOR UPDATE",
      );
      expect(textOf(made)).toBe(`${reread.sql} FOR UPDATE`);
      expect(made).toMatchObject({ before: [], after: [], reply: 'rows' });
      expect(made).not.toHaveProperty('guard');
    });

    test('under REPEATABLE READ only the locking read sees it', () => {
      const made = plan([insert, reread], {
        server: { isolation: 'repeatable read' },
        settings: { repeatable_read: 'rewrite' },
      });
      expect(textOf(made)).toBe(`${reread.sql} FOR UPDATE`);
      expect(made).not.toHaveProperty('probe');
    });

    test('Sequelize findOrCreate: prepared INSERT, text SELECT, no ROLLBACK TO', () => {
      const made = plan([
        'SAVEPOINT `x-sp-1`',
        {
          sql: 'INSERT INTO `c` (`id`,`key`,`v`) VALUES (DEFAULT,?,?);',
          parameters: bound('k1', '1'),
          error: duplicate,
        },
        { sql: "SELECT `id`, `key`, `v` FROM `c` AS `C` WHERE `C`.`key` = 'k1' LIMIT 1;" },
      ]);
      expect(lockedBy(made.probe, '7')).toBe(
        "SELECT `id`, `key`, `v` FROM `c` AS `C` WHERE (`C`.`key` = 'k1') AND `C`.`id` = 7 LIMIT 1 FOR UPDATE;",
      );
    });

    test('Laravel: both prepared, the parameters of the SELECT go with all three texts', () => {
      const parameters = bound('k1');
      const made = plan([
        'SAVEPOINT trans2',
        { sql: 'insert into `c` (`key`, `v`) values (?, ?)', parameters: bound('k1', '1'), error: duplicate },
        'ROLLBACK TO SAVEPOINT trans2',
        { sql: 'select * from `c` where (`key` = ?) limit 1', parameters },
      ]);
      expect(lockedBy(made.probe, '7')).toBe(
        'select * from `c` where ((`key` = ?)) AND `c`.`id` = 7 limit 1 FOR UPDATE',
      );
      const locked = made.probe?.locking(['7']);
      expect(made.probe?.parameters).toBe(parameters);
      expect(locked).toMatchObject({ parameters });
      expect(made.edited.parameters).toBe(parameters);
    });

    test('a Buffer as binary(16): bytes in the INSERT and the SELECT, a literal of bytes for the lock', () => {
      const facts = {
        primaryKey: ['uid'],
        violated: { ...mysqlFacts.violated, columns: ['key'] } as NonNullable<typeof mysqlFacts.violated>,
      };
      const { probe } = plan([insert, reread], { facts });
      expect(lockedBy(probe, '\x00\xff\'"')).toMatch(/AND `c`\.`uid` = X'00ff2722' FOR UPDATE$/);
    });

    test.each([
      ['007', '7'],
      ['-12', '-12'],
      ['18446744073709551615', '18446744073709551615'],
    ])('an integer key %s', (key, literal) => {
      expect(lockedBy(plan([insert, reread]).probe, key)).toContain(`\`c\`.\`id\` = ${literal} FOR UPDATE`);
    });

    test.each([
      ['plain', "'plain'"],
      ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"],
      ["it's", 'key-type'],
      ['back\\slash', 'key-type'],
      ['caf\xc3\xa9', 'key-type'],
      ['', 'key-type'],
      ['x'.repeat(65), 'key-type'],
    ])('a key of characters: %s', (key, expected) => {
      const { attributes } = mysqlFacts;
      const made = plan([insert, reread], {
        facts: {
          attributes: {
            ...attributes,
            1: { name: 'id', type: mysqlKey.text, hasDefault: false, inForeignKey: false },
          },
        },
      });
      const locked = lockedBy(made.probe, key);
      if (expected === 'key-type') expect(locked).toBe('key-type');
      else expect(locked).toContain(`\`c\`.\`id\` = ${expected} FOR UPDATE`);
    });

    test('no row, several rows, no key: nothing to lock', () => {
      const { probe } = plan([insert, reread]);
      expect([lockedBy(probe), lockedBy(probe, '1', '2'), lockedBy(probe, null)]).toEqual([
        'no-row',
        'no-row',
        'no-row',
      ]);
    });

    test('a lock that the grammar does not prove is not sent', () => {
      const made = plan([insert, reread], {
        witness: {
          agrees: () => true,
          provesDelete: () => true,
          provesLockingRead: (_text, out) => !out.includes('AND `c`.`id`'),
        },
      });
      expect(lockedBy(made.probe, '7')).toBe('proof');
    });
  });
});
