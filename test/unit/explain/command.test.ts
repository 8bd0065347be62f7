/** `interlock explain`: its outputs and exit codes. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { explainCommand } from '../../../src/commands/explain.ts';

const cli = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'interlock-explain-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Standard output, or the error's name and message. */
async function explain(input: string, ...args: string[]): Promise<string> {
  const file = join(folder, 'input');
  writeFileSync(file, input);
  try {
    return await explainCommand([file, ...args]);
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

const sql = `BEGIN;
SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = 'Ærø'; -- 3, 4
DELETE FROM book WHERE id IN (3, 4);
COMMIT;
`;

test('for people: every statement, before and after, what was assumed; no colours in a pipe', async () => {
  expect(await explain(sql, '--rules', 'django', '--tables', 'book'))
    .toBe(`Read as SQL, postgres: 4 statements.

    1  I begin           BEGIN;
    2  T select          SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = 'Ærø';
    3  T delete by list  DELETE FROM book WHERE id IN (3, 4);
        split-delete on book, rule django/split-delete: rewritten
        before  DELETE FROM book WHERE id IN (3, 4);
        after   /* interlock:django/split-delete */ DELETE FROM book WHERE id IN (SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = 'Ærø' FOR UPDATE OF b);
        guard   try, one per table
        assuming id is the primary key of book
        assuming book, author: ordinary tables without triggers, row security or deferred constraints

    4  T commit          COMMIT;
    1  split-delete: rewritten
`);
});

test('for machines; a table that nobody named; what is known of a table', async () => {
  const facts = join(folder, 'facts.yaml');
  writeFileSync(facts, 'book: {primary_key: [isbn]}\n');
  const out = await explain(sql, '--json', '--findings', '--rules', 'django', '--facts', facts);
  expect(JSON.parse(out)).toMatchObject({
    format: 'SQL',
    dialect: 'postgres',
    statements: [
      {
        line: 3,
        shape: 'delete by list',
        status: 'T',
        finding: { decision: 'refused', reason: 'table-not-named' },
      },
    ],
  });
  const known = await explain(sql, '--json', '--rules', 'django', '--tables', '*', '--facts', facts);
  const { statements } = JSON.parse(known) as { statements: { finding?: { reason: string } }[] };
  expect(statements.map(({ finding }) => finding?.reason)).toEqual([
    undefined,
    undefined,
    'key-unknown',
    undefined,
  ]);
});

test('rules that match by session are tried with the session that is named', async () => {
  const config = join(folder, 'config.yaml');
  writeFileSync(
    config,
    `listeners: [{name: a, listen: "127.0.0.1:1", server: "postgres://db"}]
rules:
  custom: [{id: mine, pattern: split-delete, mode: rewrite, match: {databases: [shop], tables: [book]}}]
`,
  );
  expect(await explain(sql, '-c', config)).toContain('rule generic/split-delete: would be rewritten');
  expect(await explain(sql, '-c', config, '--as', 'database=shop,user=x')).toContain('rule mine: rewritten');
  expect(await explain(sql, '-c', config, '--as', 'db=shop')).toMatch(/^UsageError: --as: write /);
  expect(await explain(sql, '-c', config, '--mode', 'off')).toMatch(/^UsageError: -c and /);
});

test('nothing found is no failure; what cannot be read is an error, as is wrong usage', async () => {
  expect(await explain('SELECT 1;')).toContain('Nothing was found.');
  expect(await explain('SELECT 1', '--dialect', 'oracle')).toMatch(/^UsageError: --dialect: .*postgres/);
  expect(await explain("SELECT 'x")).toBe(
    'UnreadableInput: line 1: a quote, comment or parenthesis is not closed',
  );
  writeFileSync(join(folder, 'bad.yaml'), 'book: {primary: [isbn]}\n');
  expect(await explain('SELECT 1', '--facts', join(folder, 'bad.yaml'))).toMatch(
    /^ConfigError: .*bad\.yaml: book: /,
  );
  expect(await explain('SELECT 1', 'another')).toMatch(/^UsageError: explain needs one file/);
  expect(await explain('', '--help')).toMatch(/^usage: interlock explain FILE/);
});

test('standard input, exit code 2', { timeout: 60_000 }, () => {
  const run = (input: string) =>
    spawnSync(process.execPath, ['--import', 'tsx', cli, 'explain', '-'], { input, encoding: 'utf8' });
  expect(run('')).toMatchObject({
    status: 2,
    stdout: '',
    stderr: 'interlock: no statement was found (read as SQL)\n',
  });
});
