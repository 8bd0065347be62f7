/** Foreign-key actions that a DELETE sets off, as SHOW CREATE TABLE prints them: may they reach a table that it reads? */
import { expect, test } from 'vitest';
import { mysqlFurtherLookUps, mysqlLookUps, readMysqlFacts } from '../../../src/facts/mysql.ts';
import type { FactsQuestion } from '../../../src/facts/types.ts';

const target = [
  'person',
  'CREATE TABLE `person` (\n  `id` int NOT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB',
];
const account = (...keys: string[]) => [
  'account',
  `CREATE TABLE \`account\` (\n  \`p\` int,\n  \`q\` int${keys.map((key, i) => `,\n  CONSTRAINT \`f${i}\` FOREIGN KEY (\`p\`) REFERENCES ${key}`).join('')}\n) ENGINE=InnoDB`,
];
const question: FactsQuestion = {
  target: { name: 'person' },
  tables: [{ name: 'person' }, { name: 'account' }],
  functions: [],
};

test.each([
  ['none', [], false, false],
  ['the target, nothing written', ['`person` (`id`)'], false, false],
  ['the target, other writing', ['`person` (`id`) ON DELETE NO ACTION ON UPDATE CASCADE'], false, false],
  ['the target, RESTRICT', ['`person` (`id`) ON DELETE RESTRICT'], false, false],
  ['the target, CASCADE', ['`person` (`id`) ON DELETE CASCADE'], true, false],
  [
    'the second key, SET NULL',
    ['`a` (`id`)', '`person` (`id`) ON DELETE SET NULL ON UPDATE CASCADE'],
    true,
    false,
  ],
  ['the target, its schema named', ['`shop`.`person` (`id`) ON DELETE CASCADE'], true, false],
  ['another one in its place', ['`a` (`id`) ON DELETE CASCADE'], false, true],
  ['its namesake elsewhere', ['`attic`.`person` (`id`) ON DELETE CASCADE'], false, true],
])('%s', (_what, keys, reaches, asks) => {
  const answers = [target, account(...keys)];
  expect(mysqlLookUps(question)).toHaveLength(2);
  expect(mysqlFurtherLookUps(question, answers, 'shop')).toHaveLength(asks ? 1 : 0);
  const facts = (last: string[]) => readMysqlFacts(question, [...answers, ...(asks ? [last] : [])], 'shop');
  expect(facts(['0', '0', '1'])?.actionsReachReads).toBe(reaches);
  // A chain over tables that are not looked at may begin at the target.
  expect(facts(['0', '1', '1'])?.actionsReachReads).toBe(reaches || asks);
});
