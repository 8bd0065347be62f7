/**
 * Records conversations with a real server into recordings/*.json, as byte streams: `npx tsx test/unit/wire/mysql/record.ts
 * mariadb-10.11`. Run by hand when a scenario is added; the recordings are checked in, the tests need no server.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { ask, startMysql, type Mysql, type MysqlEngine } from '../../../support/mysql.ts';
import {
  capability as c,
  mariadbCapability as m,
  understood,
} from '../../../../src/wire/mysql/capabilities.ts';
import { command } from '../../../../src/wire/mysql/commands.ts';
import { executeFlag, writeExecute, type ParameterType } from '../../../../src/wire/mysql/execute.ts';
import { readGreeting } from '../../../../src/wire/mysql/greeting.ts';
import { type } from '../../../../src/wire/mysql/types.ts';
import * as write from '../../../../src/wire/mysql/writers.ts';
import { writeResponse } from './login-writers.ts';
import type { Recording, Turn } from './recording.ts';

const base =
  c.longFlag |
  c.foundRows |
  c.localFiles |
  c.protocol41 |
  c.transactions |
  c.secureConnection |
  c.multiStatements |
  c.multiResults |
  c.psMultiResults |
  c.pluginAuth |
  c.connectAttrs |
  c.pluginAuthLenencClientData;
const modern = base | c.deprecateEof | c.sessionTrack;
const sets: Record<string, { flags: number; mariadb: number; mysqlOnly?: boolean; mariadbOnly?: boolean }> = {
  plain: { flags: base | c.mysql, mariadb: 0 },
  modern: { flags: modern | c.mysql, mariadb: 0 },
  attributes: { flags: modern | c.mysql | c.queryAttributes, mariadb: 0, mysqlOnly: true },
  cached: {
    flags: base,
    mariadb: m.cacheMetadata | m.extendedMetadata | m.stmtBulkOperations,
    mariadbOnly: true,
  },
  'cached-modern': { flags: modern, mariadb: understood(false).mariadb, mariadbOnly: true },
};
/** Long enough that a server on the same machine has answered in full. */
const quiet = 120;

class Client {
  readonly turns: Turn[] = [];
  private readonly socket: Socket;
  private heard: Buffer[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.heard.push(chunk));
    socket.on('error', () => undefined);
  }

  async hear(): Promise<Buffer> {
    let bytes = -1;
    while (bytes !== this.bytes()) {
      bytes = this.bytes();
      await pause(quiet);
    }
    const all = Buffer.concat(this.heard);
    this.heard = [];
    return all;
  }

  /** @returns payload of the first packet of the answer */
  async turn(name: string, ...sent: Buffer[]): Promise<Buffer> {
    this.socket.write(Buffer.concat(sent));
    const server = await this.hear();
    this.turns.push({
      name,
      client: Buffer.concat(sent).toString('base64'),
      server: server.toString('base64'),
    });
    return server.subarray(4, 4 + (server.length >= 3 ? server.readUIntLE(0, 3) : 0));
  }

  close(): void {
    this.socket.destroy();
  }

  private bytes(): number {
    return this.heard.reduce((sum, chunk) => sum + chunk.length, 0);
  }
}

const integer: ParameterType = { type: type.longlong, unsigned: false, name: '' };
const text: ParameterType = { type: type.varString, unsigned: false, name: '' };
function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}
function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

async function queries(client: Client, flags: number, database: string): Promise<void> {
  const q = (sql: string): Promise<Buffer> => client.turn(`query ${sql}`, write.writeQuery(sql, flags));
  await client.turn('init-db', write.writeCommand(command.initDb, Buffer.from(database)));
  await client.turn('ping', write.writeCommand(command.ping));
  await client.turn('statistics', write.writeCommand(command.statistics));
  await q('SET autocommit=0');
  await q("INSERT INTO t (name, amount) VALUES ('a', 1.50), ('b', NULL)");
  await q('SELECT id, name AS n, amount FROM t AS x ORDER BY id');
  await q('SELECT NULL, 1');
  await q('SELECT id FROM t WHERE id < 0');
  await q('UPDATE t SET amount = amount + 1');
  await q('INSERT INTO t (id) VALUES (1)');
  await q('SELECT * FROM missing');
  await q('ROLLBACK');
  await q('SET autocommit=1');
  await q('SELECT 1; SELECT 2, 3; DO 0; SELECT nothing; SELECT 4');
  await q('CALL p(2)');
  await q('SELECT 1 UNION ALL SELECT (SELECT 1 UNION SELECT 2)');
  await q("SELECT name FROM t UNION ALL SELECT REPEAT('x', 300)");
  await q('SET NAMES latin1');
  await q("SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'");
  await q("SET SESSION sql_mode = ''");
  await q(`USE ${database}`);
  await q("LOAD DATA LOCAL INFILE 'rows.txt' INTO TABLE t (name)");
  await client.turn(
    'file',
    write.writePacket(2, Buffer.from('c\nd\n')),
    write.writePacket(3, Buffer.alloc(0)),
  );
  await client.turn('field-list', write.writeCommand(command.fieldList, Buffer.from('t\0')));
  await client.turn('set-option', write.writeCommand(command.setOption, Buffer.from([1, 0])));
  await q('SELECT 1; SELECT 2');
  await client.turn('process-info', write.writeCommand(command.processInfo));
  await client.turn('debug', write.writeCommand(command.debug));
  await client.turn('unknown', write.writeCommand(0x50));
}

async function statements(client: Client, flags: number): Promise<void> {
  const prepare = async (sql: string): Promise<number> => {
    const answer = await client.turn(`prepare ${sql}`, write.writePrepare(sql));
    return answer[0] === 0 ? answer.readUInt32LE(1) : 0;
  };
  const execute = (
    statementId: number,
    types: ParameterType[],
    values: (Buffer | null)[],
    cursor = 0,
  ): Buffer => writeExecute(flags, { statementId, flags: cursor, types, values });
  const select = await prepare('SELECT id, name FROM t WHERE id > ? AND name <> ? ORDER BY id');
  await client.turn('execute', execute(select, [integer, text], [int64(0), Buffer.from('zz')]));
  // The same without types, which were sent before.
  const again = Buffer.concat([
    Buffer.from([command.stmtExecute]),
    uint32(select),
    Buffer.from([(flags & c.queryAttributes) === 0 ? 0 : executeFlag.parameterCount, 1, 0, 0, 0]),
    (flags & c.queryAttributes) === 0 ? Buffer.alloc(0) : Buffer.from([2]),
    Buffer.from([0, 0]),
    int64(1),
    Buffer.from([1, 0x79]),
  ]);
  await client.turn('execute without types', write.writePacket(0, again));
  if ((flags & c.queryAttributes) !== 0) {
    const unflagged = Buffer.from(again);
    unflagged[5] = 0;
    await client.turn('execute without the count flag', write.writePacket(0, unflagged));
  }
  await client.turn(
    'execute with cursor',
    execute(select, [integer, text], [int64(0), Buffer.from('zz')], 1),
  );
  const fetch = (rows: number): Buffer => write.writeCommand(command.stmtFetch, uint32(select), uint32(rows));
  await client.turn('fetch 1', fetch(1));
  await client.turn('fetch 100', fetch(100));
  await client.turn('fetch after the end', fetch(1));
  await client.turn('reset', write.writeStatementReset(select));
  await client.turn('execute null', execute(select, [integer, text], [null, null]));
  await client.turn('close', write.writeStatementClose(select));
  await client.turn('execute closed', execute(select, [], []));
  await prepare('SELECT FROM');
  const constant = await prepare('SELECT 1');
  await client.turn('execute constant', execute(constant, [], []));
  await client.turn('execute constant with cursor', execute(constant, [], [], 1));
  await client.turn('fetch of constant', write.writeCommand(command.stmtFetch, uint32(constant), uint32(5)));
  const insert = await prepare('INSERT INTO t (name) VALUES (?)');
  await client.turn(
    'long data',
    write.writeCommand(command.stmtSendLongData, uint32(insert), Buffer.from([0, 0]), Buffer.from('long')),
  );
  const long = Buffer.concat([
    Buffer.from([command.stmtExecute]),
    uint32(insert),
    Buffer.from([(flags & c.queryAttributes) === 0 ? 0 : executeFlag.parameterCount, 1, 0, 0, 0]),
    (flags & c.queryAttributes) === 0 ? Buffer.alloc(0) : Buffer.from([1]),
    Buffer.from([0, 1, type.varString, 0]),
    (flags & c.queryAttributes) === 0 ? Buffer.alloc(0) : Buffer.from([0]),
  ]);
  await client.turn('execute long data', write.writePacket(0, long));
  const call = await prepare('CALL p(?)');
  await client.turn('execute call', execute(call, [integer], [int64(1)]));
  const noParameters = await prepare('DO 0');
  await client.turn('execute without parameters', execute(noParameters, [], []));
  const types = await prepare(
    'SELECT tiny, small, medium, big, amount, fixed, day, moment, ratio, bits, word FROM kinds',
  );
  await client.turn('execute kinds', execute(types, [], []));
}

async function mariadbOnly(client: Client, flags: number, mariadb: number): Promise<void> {
  const last = 0xffffffff;
  const execution = writeExecute(flags, {
    statementId: last,
    flags: 0,
    types: [integer],
    values: [int64(1)],
  });
  await client.turn('pipelined', write.writePrepare('SELECT id, name FROM t WHERE id = ?'), execution);
  await client.turn('pipelined again', execution);
  await client.turn(
    'pipelined, failing',
    write.writePrepare('SELECT nothing FROM t WHERE id = ?'),
    execution,
  );
  if ((mariadb & m.stmtBulkOperations) === 0) return;
  const answer = await client.turn('prepare bulk', write.writePrepare('INSERT INTO t (name) VALUES (?)'));
  const row = Buffer.from([0, 1, 0x70]);
  const bulk = (bulkFlags: number, id: number): Buffer =>
    write.writeCommand(
      command.stmtBulkExecute,
      uint32(id),
      Buffer.from([bulkFlags, 0, type.varString, 0]),
      row,
      row,
      row,
    );
  const id = answer.readUInt32LE(1);
  await client.turn('bulk', bulk(128, id));
  if ((mariadb & m.bulkUnitResults) !== 0) await client.turn('bulk with unit results', bulk(128 | 64, id));
}

async function record(server: Mysql, name: string, database: string): Promise<void> {
  const set = sets[name];
  if (set === undefined) return;
  const isMysql = server.engine.startsWith('mysql');
  if ((set.mysqlOnly ?? false) && !isMysql) return;
  if ((set.mariadbOnly ?? false) && isMysql) return;
  await ask(server.url(), `TRUNCATE TABLE ${database}.t`);
  const socket = connect({ host: server.host, port: server.port, noDelay: true });
  await once(socket, 'connect');
  const client = new Client(socket);
  const greeting = await client.hear();
  readGreeting(greeting, 0, greeting.length);
  client.turns.push({ name: 'greeting', client: '', server: greeting.toString('base64') });
  // Without a plugin name the server asks for a switch; the account has no password.
  const answer = await client.turn(
    'log-in',
    writeResponse({
      user: 'recorder',
      capabilities: { flags: set.flags, mariadb: set.mariadb },
      attributes: { program_name: 'recorder' },
    }),
  );
  if (answer[0] === 0xfe) await client.turn('log-in, second answer', write.writePacket(3, Buffer.alloc(0)));
  await queries(client, set.flags, database);
  await statements(client, set.flags);
  if (!isMysql) await mariadbOnly(client, set.flags, set.mariadb);
  await client.turn('reset-connection', write.writeCommand(command.resetConnection));
  await client.turn(
    'change-user',
    write.writeCommand(
      command.changeUser,
      Buffer.from('recorder\0\0\0'),
      Buffer.from([45, 0]),
      Buffer.from('\0\0'),
    ),
  );
  await client.turn('change-user, second answer', write.writePacket(2, Buffer.alloc(0)));
  await client.turn('query after change-user', write.writeQuery("SELECT 'still there'", set.flags));
  await client.turn('quit', write.writeCommand(command.quit));
  client.close();
  const file: Recording = { engine: server.engine, version: server.version, set: name, turns: client.turns };
  const path = new URL(`recordings/${server.engine}-${name}.json`, import.meta.url);
  writeFileSync(path, `${JSON.stringify(file, null, 2)}\n`);
}

const engine = process.argv[2] as MysqlEngine;
const server = await startMysql({ engine, settings: { local_infile: 'ON' } });
try {
  const database = 'recorded';
  await ask(
    server.url(),
    `CREATE DATABASE ${database}`,
    `CREATE TABLE ${database}.t (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100), amount DECIMAL(10,2)) CHARSET utf8mb4`,
    `CREATE TABLE ${database}.kinds (tiny TINYINT, small SMALLINT UNSIGNED, medium MEDIUMINT, big BIGINT UNSIGNED, amount DECIMAL(20,4), fixed BINARY(16), day DATE, moment DATETIME(6), ratio DOUBLE, bits BIT(3), word ENUM('a','b'))`,
    `INSERT INTO ${database}.kinds VALUES (-1, 65535, -8388608, 18446744073709551615, -1.25, UNHEX('00112233445566778899AABBCCDDEEFF'), '2024-02-29', '2024-02-29 01:02:03.000004', 0.5, b'101', 'b')`,
    `CREATE PROCEDURE ${database}.p(n INT) BEGIN SELECT n; SELECT n, n + 1; END`,
    `CREATE USER recorder IDENTIFIED BY ''`,
    `GRANT ALL ON *.* TO recorder`,
  );
  if (engine === 'mariadb-11.8')
    await ask(server.url(), "SET GLOBAL redirect_url = 'mysql://elsewhere:3306'");
  for (const name of Object.keys(sets)) await record(server, name, database);
} finally {
  await server.stop();
}
