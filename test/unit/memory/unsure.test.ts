/** After a lock wait that timed out the transaction may go on, with a level that nobody can tell: never the session's. */
import { expect, test } from 'vitest';
import { TransactionIsolation } from '../../../src/memory/isolation.ts';
import { SentStatement, StatementText } from '../../../src/session/statement.ts';

const settings = {
  dialect: 'mysql',
  standardConformingStrings: true,
  ansiQuotes: false,
  noBackslashEscapes: false,
} as const;
const sent = (sql: string): SentStatement =>
  new SentStatement(new StatementText(Buffer.from(sql), settings), 'simple');

test('the transaction that goes on is of unknown level, the next one is of the session’s', () => {
  const levels = new TransactionIsolation();
  levels.set({ kind: 'set-isolation', scope: 'next', level: 'serializable' }, false);
  levels.begin(false);
  expect(levels.effective).toBe('serializable');
  levels.end();
  levels.lost();
  levels.usedOutside(sent('SELECT 1'), false);
  levels.begin(false);
  expect(levels.effective).toBe('unknown');
  levels.end();
  levels.begin(false);
  expect(levels.effective).toBe('session');
});

test('a ROLLBACK ends the doubt', () => {
  const levels = new TransactionIsolation();
  levels.lost();
  levels.usedOutside(sent('ROLLBACK'), false);
  levels.begin(false);
  expect(levels.effective).toBe('session');
});
