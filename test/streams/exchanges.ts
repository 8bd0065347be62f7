/**
 * Transactions as pgbench, sysbench and an ORM put them on the wire, chunk by chunk, through a session that is logged in
 * and looks at everything. What they cost is measured by bench/micro and bounded by a test.
 */
import type { Session, Side } from '../../src/session/types.ts';
import { capability as c } from '../../src/wire/mysql/capabilities.ts';
import { type as mysqlType } from '../../src/wire/mysql/types.ts';
import * as write from '../../src/wire/mysql/writers.ts';
import { command } from '../../src/wire/mysql/commands.ts';
import { writeGreeting, writeResponse } from '../unit/wire/mysql/login-writers.ts';
import { client, server } from './encode.ts';
import { makeMysqlSession } from './mysql/through.ts';
import { makeSession, ruleSet } from './session.ts';

export interface Exchange {
  name: string;
  /** Statements in one transaction. */
  statements: number;
  /** One transaction through the session. */
  transaction: () => void;
}

type Flight = [Side, Buffer];

const rules = ruleSet({ mode: 'rewrite', tablesNamed: true });

/** Feeds the flights in order, again and again; two variants in turn, so that texts differ as they do in life. */
function exchange(name: string, statements: number, session: Session, flights: Flight[][]): Exchange {
  let turn = 0;
  return {
    name,
    statements,
    transaction() {
      for (const [side, chunk] of flights[turn++ % flights.length] ?? []) session.receive(side, chunk, turn);
    },
  };
}

const account = { name: 'abalance', table: 16_401, attribute: 3, type: 23, format: 0 } as const;
const rows = [server.rowDescription([account]), server.dataRow(['-4711']), server.complete('SELECT 1')];
const readOne = 'SELECT abalance FROM pgbench_accounts WHERE aid = ';

function postgresSession(): Session {
  const session = makeSession(rules)(() => undefined);
  const say = (side: Side, ...bytes: Buffer[]): void => void session.receive(side, Buffer.concat(bytes), 0);
  say('client', client.startup({ user: 'app', database: 'shop' }));
  say(
    'server',
    server.authenticationOk(),
    server.parameterStatus('client_encoding', 'UTF8'),
    server.ready('I'),
  );
  say('client', client.parse('P0', `${readOne}$1;`), client.sync());
  say('server', server.parseComplete(), server.ready('I'));
  return session;
}

const all = (...bytes: Buffer[]): Buffer => Buffer.concat(bytes);
const numbers = [12_345, 99_999];

function simple(sql: string, status: string, ...answer: Buffer[]): Flight[] {
  return [
    ['client', client.query(sql)],
    ['server', all(...answer, server.ready(status))],
  ];
}

const extendedAnswer = [server.bindComplete(), ...rows, server.ready('I')];
const run = [client.describe('P', ''), client.execute(''), client.sync()];

/** pgbench's TPC-B, seven statements. */
function tpcb(aid: number): Flight[] {
  const update = (table: string, key: string): Flight[] =>
    simple(
      `UPDATE pgbench_${table} SET ${key}balance = ${key}balance + 77 WHERE ${key}id = ${aid};`,
      'T',
      server.complete('UPDATE 1'),
    );
  return [
    ...simple('BEGIN;', 'T', server.complete('BEGIN')),
    ...update('accounts', 'a'),
    ...simple(`${readOne}${aid};`, 'T', ...rows),
    ...update('tellers', 't'),
    ...update('branches', 'b'),
    ...simple(
      `INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (7, 1, ${aid}, 77, CURRENT_TIMESTAMP);`,
      'T',
      server.complete('INSERT 0 1'),
    ),
    ...simple('END;', 'I', server.complete('COMMIT')),
  ];
}

/** What Django sends for get, save and filter in one atomic block; bench/orm.sql is the same. */
function orm(aid: number): Flight[] {
  const columns = ['aid', 'bid', 'abalance'].map((name) => ({ ...account, name }));
  const found = [
    server.rowDescription(columns),
    server.dataRow([String(aid), '1', '-4711']),
    server.complete('SELECT 1'),
  ];
  const select = columns.map(({ name }) => `"pgbench_accounts"."${name}"`).join(', ');
  const from =
    'FROM "pgbench_accounts" INNER JOIN "pgbench_branches" ON ("pgbench_accounts"."bid" = "pgbench_branches"."bid")';
  return [
    ...simple('BEGIN', 'T', server.complete('BEGIN')),
    ...simple(
      `SELECT ${select} ${from} WHERE "pgbench_accounts"."aid" = ${aid} ORDER BY "pgbench_accounts"."aid" ASC LIMIT 21`,
      'T',
      ...found,
    ),
    ...simple('SAVEPOINT "s140213_x1"', 'T', server.complete('SAVEPOINT')),
    ...simple(
      `INSERT INTO "pgbench_history" ("tid", "bid", "aid", "delta") VALUES (1, 1, ${aid}, 7) RETURNING "pgbench_history"."tid"`,
      'T',
      server.rowDescription([account]),
      server.dataRow(['1']),
      server.complete('INSERT 0 1'),
    ),
    ...simple('RELEASE SAVEPOINT "s140213_x1"', 'T', server.complete('RELEASE')),
    ...simple(
      `UPDATE "pgbench_accounts" SET "bid" = 1, "abalance" = 7 WHERE "pgbench_accounts"."aid" = ${aid}`,
      'T',
      server.complete('UPDATE 1'),
    ),
    ...simple(`SELECT ${select} ${from} WHERE "pgbench_accounts"."bid" IN (1, 2, 3) LIMIT 21`, 'T', ...found),
    ...simple('COMMIT', 'I', server.complete('COMMIT')),
  ];
}

const flags =
  c.mysql |
  c.protocol41 |
  c.secureConnection |
  c.pluginAuth |
  c.connectWithDb |
  c.transactions |
  c.deprecateEof;
const capabilities = { flags, mariadb: 0 };
const column = {
  schema: 'sbtest',
  table: 'sbtest1',
  orgTable: 'sbtest1',
  name: 'c',
  orgName: 'c',
  collation: 255,
  type: mysqlType.string,
  flags: 0,
  decimals: 0,
};
const text = '83868641912-28773972837-60736120486-75162659906-27563526494-20381887404';

function mysqlSession(): Session {
  const session = makeMysqlSession(rules)(() => undefined);
  const say = (side: Side, ...bytes: Buffer[]): void => void session.receive(side, Buffer.concat(bytes), 0);
  const plugin = 'mysql_native_password';
  const scramble = Buffer.alloc(20, 0x61);
  say('server', writeGreeting({ versionText: '9.7.0', connectionId: 7, scramble, capabilities, plugin }));
  say('client', writeResponse({ user: 'app', database: 'shop', capabilities, plugin }));
  say('server', write.writeOk(2, { status: 2 }));
  say('client', write.writePrepare('SELECT c FROM sbtest1 WHERE id=?'));
  say(
    'server',
    write.writePreparedOk(1, { statementId: 1, columns: 1, parameters: 1 }),
    write.writeColumnDefinition(2, { ...column, name: '?', type: mysqlType.long }),
    write.writeColumnDefinition(3, column),
  );
  return session;
}

function mysqlAnswer(row: (sequence: number) => Buffer): Buffer {
  return all(
    write.writeColumnCount(1, 1),
    write.writeColumnDefinition(2, column),
    row(3),
    write.writeOk(4, { status: 2 }, 'eof'),
  );
}

function executeOne(id: number): Buffer {
  const body = Buffer.alloc(18);
  body.writeUInt32LE(1, 0);
  body.writeUInt32LE(1, 5);
  body[10] = 1; // types follow
  body.writeUInt16LE(mysqlType.long, 11);
  body.writeInt32LE(id, 13);
  return write.writeCommand(command.stmtExecute, body.subarray(0, 17));
}

/** Sessions are made anew with every call. */
export function exchanges(): Exchange[] {
  const flights = (make: (id: number) => Flight[]): Flight[][] => numbers.map(make);
  return [
    exchange(
      'select-only, simple',
      1,
      postgresSession(),
      flights((id) => simple(`${readOne}${id};`, 'I', ...rows)),
    ),
    exchange(
      'select-only, extended',
      1,
      postgresSession(),
      flights((id) => [
        ['client', all(client.parse('', `${readOne}$1;`), client.bind('', '', [String(id)]), ...run)],
        ['server', all(server.parseComplete(), ...extendedAnswer)],
      ]),
    ),
    exchange(
      'select-only, prepared',
      1,
      postgresSession(),
      flights((id) => [
        ['client', all(client.bind('', 'P0', [String(id)]), ...run)],
        ['server', all(...extendedAnswer)],
      ]),
    ),
    exchange('TPC-B, simple', 7, postgresSession(), flights(tpcb)),
    exchange('ORM-like, simple', 8, postgresSession(), flights(orm)),
    exchange(
      'point select, text',
      1,
      mysqlSession(),
      flights((id) => [
        ['client', write.writeQuery(`SELECT c FROM sbtest1 WHERE id=${id}`, flags)],
        ['server', mysqlAnswer((sequence) => write.writeTextRow(sequence, [text]))],
      ]),
    ),
    exchange(
      'point select, prepared',
      1,
      mysqlSession(),
      flights((id) => [
        ['client', executeOne(id)],
        ['server', mysqlAnswer((sequence) => write.writeBinaryRow(sequence, [column], [Buffer.from(text)]))],
      ]),
    ),
  ];
}
