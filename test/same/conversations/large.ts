/** Big and many: values over a megabyte, 100,000 rows, IN lists of thousands, statements of megabytes. */
import { step, type Conversation } from '../conversation.ts';
import { bind, copyData, copyDone, execute, extended, parse, query, sync } from '../messages.ts';

const big = (name: string, ...steps: Conversation['steps']): Conversation => ({
  name: `large ${name}`,
  steps,
  big: true,
});

const list = (n: number): string => Array.from({ length: n }, (_, i) => i + 1).join(', ');
const megabyte = 'megabyte '.repeat(150_000);

export const large: Conversation[] = [
  big(
    '100,000 rows',
    step('Z', query('SELECT n, n * 2, repeat($$x$$, n % 50) FROM generate_series(1, 100000) n')),
  ),
  big(
    '100,000 rows, binary',
    step('Z', extended('SELECT n, n::int8 FROM generate_series(1, 100000) n', { resultFormats: [1] }), sync),
  ),
  big(
    'rows in portions',
    step('Z', query('BEGIN')),
    step(
      'Z',
      parse('', 'SELECT generate_series(1, 5000)'),
      bind({ portal: 'p' }),
      ...Array.from({ length: 11 }, () => execute('p', 500)),
      sync,
    ),
    step('Z', query('COMMIT')),
  ),
  big('value of 8 MB', step('Z', query("SELECT repeat('0123456789abcdef', 524288), 1"))),
  big('statement of 1 MB', step('Z', query(`SELECT length('${megabyte}')`)), step('Z', query('SELECT 1'))),
  big('statement of 1 MB that fails', step('Z', query(`SELEC '${megabyte}'`)), step('Z', query('SELECT 1'))),
  big('Parse of 1 MB', step('Z', extended(`SELECT length('${megabyte}'), $1::int`, { values: ['1'] }), sync)),
  big('parameter of 1 MB', step('Z', extended('SELECT length($1::text), $1', { values: [megabyte] }), sync)),
  big(
    'insert of 1 MB',
    step(
      'Z',
      query(
        `INSERT INTO scratch VALUES ${Array.from({ length: 50_000 }, (_, i) => `(${i}, 'row ${i}')`).join(', ')}`,
      ),
    ),
    step('Z', query('TRUNCATE scratch')),
  ),
  big(
    'IN list of 10,000',
    step('Z', query(`SELECT id FROM numbered WHERE id IN (${list(10_000)}) ORDER BY id`)),
  ),
  big(
    'IN list of 10,000 in a DELETE',
    step('Z', query('BEGIN')),
    step('Z', query('SELECT n.id FROM numbered n JOIN seen s ON s.id < n.id GROUP BY n.id')),
    step('Z', query(`DELETE FROM scratch WHERE id IN (${list(10_000)})`)),
    step('Z', query('ROLLBACK')),
  ),
  big(
    'IN list of 10,000 parameters',
    step(
      'Z',
      extended(
        `SELECT count(*) FROM numbered WHERE id IN (${Array.from({ length: 10_000 }, (_, i) => `$${i + 1}`).join(', ')})`,
        { values: Array.from({ length: 10_000 }, (_, i) => String(i)) },
      ),
      sync,
    ),
  ),
  big(
    'array parameter of 100,000',
    step(
      'Z',
      extended('SELECT count(*) FROM numbered WHERE id = ANY($1::int[])', { values: [`{${list(100_000)}}`] }),
      sync,
    ),
  ),
  big(
    '1,500 columns',
    step('Z', query(`SELECT ${list(1500)}`)),
    step('Z', extended(`SELECT ${list(1500)}`), sync),
  ),
  big('2,000 statements in one query', step('Z', query('SELECT 1;'.repeat(2000)))),
  big(
    '5,000 statements in one pipeline',
    step('Z', ...Array.from({ length: 5000 }, (_, i) => extended(`SELECT ${i}`)), sync),
  ),
  big(
    '2,000 simple queries in flight',
    step('Z'.repeat(2000), ...Array.from({ length: 2000 }, (_, i) => query(`SELECT ${i}`))),
  ),
  big('2,000 notices', step('Z', query('SELECT chatty(2000)'))),
  big(
    'error text of 1 MB',
    step('Z', query("DO $$ BEGIN RAISE EXCEPTION '%', repeat('e', 1000000); END $$")),
  ),
  big(
    'nested parentheses',
    step('Z', query(`SELECT ${'('.repeat(500)}1${')'.repeat(500)}`)),
    step('Z', query(`SELECT ${'('.repeat(50_000)}1${')'.repeat(50_000)}`)),
  ),
  big(
    'COPY in of 5 MB',
    step(
      'Z',
      query('COPY scratch FROM STDIN'),
      ...Array.from({ length: 500 }, (_, i) => copyData(`${i}\t${'long '.repeat(2000)}\n`)),
      copyDone,
    ),
    step('Z', query('COPY scratch TO STDOUT')),
    step('Z', query('TRUNCATE scratch')),
  ),
];
