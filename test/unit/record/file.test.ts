/** The file of a recording: its mode, its size, and that it never overwrites another. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { plainLexer } from '../../../src/explain/dialect.ts';
import { recordTo } from '../../../src/record/file.ts';
import { SentStatement, StatementText } from '../../../src/session/statement.ts';

const folder = mkdtempSync(join(tmpdir(), 'interlock-record-'));
afterAll(() => rmSync(folder, { recursive: true }));
const settings = plainLexer('postgres');

function say(to: ReturnType<typeof recordTo>, sql: string, session: object): void {
  const statement = new SentStatement(new StatementText(Buffer.from(sql), settings), 'simple');
  to.completed(session, 'postgres', settings, statement, { tag: 'DELETE 1' }, 'T');
  to.ready(session, 'T');
}

test('is made for its owner, and not twice', () => {
  const file = join(folder, 'a.jsonl');
  const options = { file, maxBytes: 1 << 20, raw: false, full: () => undefined };
  const to = recordTo(options);
  const [one, another] = [{}, {}];
  say(to, "DELETE FROM t WHERE n = 'secret'", one);
  say(to, 'COMMIT', another);
  to.ready(one, 'I'); // a Sync without a statement
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const lines = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { c: number; m: string });
  expect(lines.map(({ c, m }) => `${c} ${m}`)).toEqual([
    '0 note',
    '1 Query',
    '1 done',
    '1 Z',
    '0 note',
    '2 Query',
    '2 done',
    '2 Z',
  ]);
  expect(readFileSync(file, 'utf8')).not.toContain('secret');
  expect(() => recordTo(options)).toThrow(/EEXIST/);
});

test('raw leaves what was said', () => {
  const file = join(folder, 'raw.jsonl');
  say(
    recordTo({ file, maxBytes: 1 << 20, raw: true, full: () => undefined }),
    "DELETE FROM t WHERE n = 'Ærø'",
    {},
  );
  expect(readFileSync(file, 'utf8')).toContain("n = 'Ærø'");
});

test('ends at its size, with whole lines, and says so once', () => {
  const file = join(folder, 'b.jsonl');
  const said: string[] = [];
  const to = recordTo({ file, maxBytes: 500, raw: false, full: (why) => said.push(why) });
  for (let n = 0; n < 50; n++) say(to, 'SELECT 1', to);
  const text = readFileSync(file, 'utf8');
  expect(text.length).toBeGreaterThan(400);
  expect(text.length).toBeLessThanOrEqual(500);
  for (const line of text.trim().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow();
  expect(said).toEqual(['500 bytes are recorded']);
});
