/** Conversations that no ORM recorded: what else the protocol has. */
import type { Conversation } from './conversation.ts';
import { client, message, server, type Column } from './encode.ts';
import type { Answer } from './fake-server.ts';
import type { Entry } from './script.ts';

const login = [[client.startup({ user: 'app', database: 'shop' })], [client.password('secret')]];
const int4: Column = { name: 'n', table: 0, attribute: 0, type: 23, format: 0 };
const rows = (...values: string[]): Answer => ({
  kind: 'rows',
  columns: [int4],
  rows: values.map((value) => [value]),
  tag: `SELECT ${values.length}`,
});
const done = (sql: string, tag = sql.split(' ')[0] ?? ''): Entry => ({
  sql,
  answers: [{ kind: 'done', tag }],
});
const aside = (bytes: Buffer): Answer => ({ kind: 'aside', bytes });

function conversation(label: string, flights: Buffer[][], script: Entry[]): Conversation {
  return { label, flights: [...login, ...flights], script, statuses: [], preamble: login.length };
}

const copied = Buffer.from('1\tone\n2\ttwo\n', 'utf8');

export const handWritten: Conversation[] = [
  conversation(
    'COPY in, in one go, in pieces, and broken off',
    [
      [client.query('COPY t FROM STDIN')],
      [message('d', copied), message('c')],
      [client.query('COPY t FROM STDIN')],
      [message('d', copied)],
      [message('d', Buffer.alloc(0)), message('f', Buffer.from('no\0'))],
      [client.query('SELECT 1')],
    ],
    [
      { sql: 'COPY t FROM STDIN', answers: [{ kind: 'copy-in', tag: 'COPY 2' }] },
      { sql: 'COPY t FROM STDIN', answers: [{ kind: 'copy-in', tag: 'COPY 2' }] },
      { sql: 'SELECT 1', answers: [rows('1')] },
    ],
  ),
  conversation(
    'notices, notifications and changed parameters in front of answers',
    [
      [client.query('LISTEN x')],
      [client.query('SELECT 1')],
      [
        client.parse('s', 'SELECT $1::int4', [23]),
        client.describe('S', 's'),
        client.sync(),
        client.bind('p', 's', ['7']),
        client.execute('p', 1),
        client.execute('p', 0),
        client.close('P', 'p'),
        client.close('S', 's'),
        client.sync(),
      ],
      [client.query('SET TimeZone = UTC')],
      [client.terminate()],
    ],
    [
      {
        sql: 'LISTEN x',
        answers: [aside(server.notification(1, 'x', 'y')), { kind: 'done', tag: 'LISTEN' }],
      },
      {
        sql: 'SELECT 1',
        answers: [aside(server.notice({ code: '01000', message: 'careful' })), rows('1', '2')],
      },
      { sql: 'SELECT $1::int4', answers: [rows('7', '8', '9')] },
      {
        sql: 'SET TimeZone = UTC',
        answers: [{ kind: 'done', tag: 'SET' }, aside(server.parameterStatus('TimeZone', 'UTC'))],
      },
    ],
  ),
  conversation(
    'a pipeline with an error in its middle',
    [
      [client.query('BEGIN')],
      [
        client.parse('', 'SELECT 1'),
        client.bind('', ''),
        client.execute(''),
        client.parse('', 'SELECT wrong'),
        client.bind('', ''),
        client.execute(''),
        client.parse('', 'SELECT 2'),
        client.bind('', ''),
        client.execute(''),
        client.sync(),
        client.parse('', 'ROLLBACK'),
        client.bind('', ''),
        client.describe('P', ''),
        client.execute(''),
        client.sync(),
      ],
      [client.parse('', ''), client.bind('', ''), client.execute(''), client.flush()],
      [client.sync()],
      [client.query('SELECT 1; SELECT 2;')],
      [client.query('')],
    ],
    [
      done('BEGIN'),
      { sql: 'SELECT 1', answers: [rows('1')] },
      { sql: 'SELECT wrong', answers: [{ kind: 'error', error: { code: '42703', message: 'column' } }] },
      done('ROLLBACK'),
      { sql: 'SELECT 1; SELECT 2;', answers: [rows('1'), rows('2')] },
    ],
  ),
  conversation(
    'texts that are no ASCII, and long values',
    [
      [client.query("SELECT 'Zürich — 東京'")],
      [
        client.parse('', 'SELECT $1::text', [25]),
        client.bind('', '', ['ü'.repeat(6000)]),
        client.execute(''),
        client.sync(),
      ],
      [client.query(`SELECT '${'x'.repeat(9000)}'`)],
    ],
    [
      { sql: "SELECT 'Zürich — 東京'", answers: [rows('Zürich')] },
      { sql: 'SELECT $1::text', answers: [rows('y'.repeat(9000))] },
      { sql: `SELECT '${'x'.repeat(9000)}'`, answers: [rows('z'.repeat(9000))] },
    ],
  ),
];
