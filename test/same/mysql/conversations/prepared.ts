/** COM_STMT_*: binary results and parameters of every type, cursors, long data, what goes wrong; MariaDB's own forms. */
import { capability, has, type Capabilities } from '../../../../src/wire/mysql/capabilities.ts';
import { command } from '../../../../src/wire/mysql/commands.ts';
import { executeFlag, writeExecute, type ParameterType } from '../../../../src/wire/mysql/execute.ts';
import { type as t } from '../../../../src/wire/mysql/types.ts';
import * as write from '../../../../src/wire/mysql/writers.ts';
import { step, type Conversation, type Step } from '../conversation.ts';
import { asked } from './queries.ts';

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
const int64 = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
};

type Value = { type: number; unsigned?: boolean; name?: string; value: Buffer | null };
const integer = (value: number): Value => ({ type: t.longlong, value: int64(value) });
const text = (value: string): Value => ({ type: t.varString, value: Buffer.from(value) });

export const prepare = (sql: string): Step => step(write.writePrepare(Buffer.from(sql)));
export function execution(
  { flags }: Capabilities,
  statementId: number,
  values: Value[] = [],
  cursor = 0,
): Buffer {
  const types: ParameterType[] = values.map(({ type, unsigned = false, name = '' }) => ({
    type,
    unsigned,
    name,
  }));
  return writeExecute(flags, { statementId, flags: cursor, types, values: values.map(({ value }) => value) });
}
/** No types: those of the last execution hold. */
function untyped({ flags }: Capabilities, statementId: number, nulls: number, ...values: Buffer[]): Buffer {
  const counted = has(flags, capability.queryAttributes);
  return write.writeCommand(
    command.stmtExecute,
    uint32(statementId),
    Buffer.of(counted ? executeFlag.parameterCount : 0, 1, 0, 0, 0),
    Buffer.from(counted ? [values.length] : []),
    Buffer.of(nulls, 0),
    ...values,
  );
}
const fetch = (id: number, rows: number): Step =>
  step(write.writeCommand(command.stmtFetch, uint32(id), uint32(rows)));
/** No reply: the next step shows what it did. */
const close = (id: number): Buffer => write.writeStatementClose(id);
export const longData = (id: number, parameter: number, data: string | Buffer): Buffer =>
  write.writeCommand(command.stmtSendLongData, uint32(id), Buffer.of(parameter, 0), Buffer.from(data));

/** Values of every type that clients send, with a NULL among them. */
const everyParameter: Value[] = [
  { type: t.tiny, value: Buffer.of(0xff) },
  { type: t.short, unsigned: true, value: Buffer.of(0xff, 0xff) },
  { type: t.long, value: Buffer.of(1, 2, 3, 4) },
  { type: t.longlong, unsigned: true, value: Buffer.alloc(8, 0xff) },
  { type: t.float, value: Buffer.of(0, 0, 0, 0x3f) },
  { type: t.double, value: Buffer.of(0, 0, 0, 0, 0, 0, 0xf8, 0x3f) },
  { type: t.newdecimal, value: Buffer.from('12.340') },
  { type: t.date, value: Buffer.of(0xe8, 0x07, 2, 29) },
  { type: t.datetime, value: Buffer.of(0xe8, 0x07, 2, 29, 1, 2, 3, 4, 0, 0, 0) },
  { type: t.time, value: Buffer.of(1, 1, 0, 0, 0, 2, 3, 4) },
  { type: t.varString, value: Buffer.from('ü') },
  { type: t.blob, value: Buffer.of(0, 1, 0xfe, 0xff) },
  { type: t.null, value: null },
  { type: t.string, value: null },
];

const both: Conversation[] = [
  {
    name: 'binary results of every type',
    steps: (c) => [
      prepare('SELECT * FROM kinds ORDER BY id'),
      step(execution(c, 1)),
      step(execution(c, 1)),
      prepare('SELECT id, word FROM kinds WHERE id = 99'),
      step(execution(c, 2)),
      prepare("SELECT NULL, 1, 1.5, 'x', DATE '2024-01-01'"),
      step(execution(c, 3), execution(c, 3), execution(c, 2)),
    ],
  },
  {
    name: 'parameters of every type',
    steps: (c) => [
      prepare(`SELECT ${everyParameter.map(() => '?').join(', ')}`),
      step(execution(c, 1, everyParameter)),
      step(execution(c, 1, everyParameter.toReversed())),
      prepare('SELECT id, label, n FROM numbered WHERE id > ? AND label <> ? ORDER BY id LIMIT 3'),
      step(execution(c, 2, [integer(2), text('label 4')])),
      step(untyped(c, 2, 0, int64(5), Buffer.of(1, 0x78))),
      step(execution(c, 2, [integer(1), { type: t.varString, value: null }])),
    ],
  },
  {
    name: 'writes, counts and errors',
    steps: (c) => [
      prepare('INSERT INTO scratch (t) VALUES (?)'),
      step(execution(c, 1, [text('one')])),
      step(execution(c, 1, [text('two')]), execution(c, 1, [text('three')])),
      prepare('INSERT INTO numbered (label) VALUES (?)'),
      step(execution(c, 2, [text('label 1')])),
      prepare('UPDATE scratch SET t = ? WHERE id > ?'),
      step(execution(c, 3, [text('x'), integer(0)])),
      step(execution(c, 3, [text('x'), integer(0)])),
      prepare('DELETE FROM scratch WHERE id IN (?, ?)'),
      step(execution(c, 4, [integer(1), integer(2)])),
      prepare('SELECT FROM'),
      prepare('SELECT 1; SELECT 2'),
      prepare('SELECT * FROM missing WHERE id = ?'),
      prepare(''),
      step(execution(c, 77)),
      step(write.writeStatementReset(77)),
      fetch(77, 1),
      prepare('TRUNCATE TABLE scratch'),
      step(execution(c, 5)),
      step(execution(c, 6)),
      asked(c)('SELECT 1'),
    ],
  },
  {
    name: 'cursors',
    steps: (c) => [
      prepare('SELECT id, label FROM numbered WHERE id > ? ORDER BY id'),
      step(execution(c, 1, [integer(3)], 1)),
      fetch(1, 1),
      fetch(1, 5),
      asked(c)('SELECT 1'),
      fetch(1, 100),
      fetch(1, 1),
      step(execution(c, 1, [integer(18)], 1)),
      fetch(1, 1),
      step(write.writeStatementReset(1)),
      fetch(1, 1),
      step(execution(c, 1, [integer(1000)], 1)),
      fetch(1, 1),
      prepare('SELECT 1'),
      step(execution(c, 2, [], 1)),
      fetch(2, 5),
      prepare('DO 0'),
      step(execution(c, 3, [], 1)),
      prepare('SELECT * FROM kinds ORDER BY id'),
      step(execution(c, 4, [], 1)),
      fetch(4, 2),
      fetch(4, 2),
      step(close(1), write.writePrepare('SELECT 2')),
    ],
  },
  {
    name: 'closed, reset and long data',
    steps: (c) => [
      prepare('SELECT ?, LENGTH(?)'),
      step(
        longData(1, 0, 'long '),
        longData(1, 0, 'and longer'),
        longData(1, 1, 'x'.repeat(70_000)),
        untypedLong(c, 1),
      ),
      step(execution(c, 1, [text('a'), text('bc')])),
      step(longData(1, 1, 'lost'), write.writeStatementReset(1)),
      step(execution(c, 1, [text('a'), text('bc')])),
      step(longData(99, 0, 'nobody'), write.writeCommand(command.ping)),
      step(longData(1, 9, 'no such parameter'), execution(c, 1, [text('a'), text('bc')])),
      step(execution(c, 1, [text('a'), text('bc')])),
      step(close(1), execution(c, 1, [text('a'), text('bc')])),
      step(close(1), close(1), write.writePrepare('SELECT 3')),
    ],
  },
  {
    name: 'several results, OUT parameters',
    steps: (c) => [
      prepare('CALL two_results(?)'),
      step(execution(c, 1, [integer(3)])),
      step(execution(c, 1, [integer(3)], 1)),
      prepare('CALL doubled(?, ?, ?)'),
      step(execution(c, 2, [integer(4), integer(0), integer(10)])),
      step(execution(c, 2, [integer(4), integer(0), integer(10)])),
      prepare('CALL half_angry()'),
      step(execution(c, 3)),
      prepare('SHOW WARNINGS'),
      step(execution(c, 4)),
    ],
  },
  {
    name: 'the table changes under a statement',
    steps: (c) => [
      asked(c)('CREATE TABLE moving (id INT PRIMARY KEY, a INT)'),
      asked(c)('INSERT INTO moving VALUES (1, 1)'),
      prepare('SELECT * FROM moving WHERE id = ?'),
      step(execution(c, 1, [integer(1)])),
      step(execution(c, 1, [integer(1)])),
      asked(c)("ALTER TABLE moving ADD b VARCHAR(5) DEFAULT 'new'"),
      step(execution(c, 1, [integer(1)])),
      step(execution(c, 1, [integer(1)])),
      asked(c)('DROP TABLE moving'),
      step(execution(c, 1, [integer(1)])),
    ],
  },
  {
    name: 'everything in one write',
    steps: (c) => [
      step(write.writePrepare('SELECT label FROM numbered WHERE id = ?'), write.writePrepare('DO ?')),
      step(
        ...Array.from({ length: 40 }, (_, i) => execution(c, 1 + (i % 2), [integer(i)])),
        close(2),
        execution(c, 2, [integer(1)]),
        write.writeQuery('SELECT 1', c.flags),
      ),
    ],
  },
];

/** Both parameters came as long data. */
function untypedLong({ flags }: Capabilities, id: number): Buffer {
  const counted = has(flags, capability.queryAttributes);
  return write.writeCommand(
    command.stmtExecute,
    uint32(id),
    Buffer.of(counted ? executeFlag.parameterCount : 0, 1, 0, 0, 0),
    Buffer.from(counted ? [2] : []),
    Buffer.from(counted ? [0, 1, t.blob, 0, 0, t.blob, 0, 0] : [0, 1, t.blob, 0, t.blob, 0]),
  );
}

const last = 0xffffffff;
const bulk = (id: number, bulkFlags: number): Buffer =>
  write.writeCommand(
    command.stmtBulkExecute,
    uint32(id),
    Buffer.of(bulkFlags, 0, t.varString, 0),
    ...['p', 'q', 'r'].map((letter) => Buffer.from(`\0\x01${letter}`, 'latin1')),
  );

const mariadb: Conversation[] = [
  {
    name: 'prepared and executed in one write',
    steps: (c) => [
      step(
        write.writePrepare('SELECT id, label FROM numbered WHERE id = ?'),
        execution(c, last, [integer(2)]),
      ),
      step(execution(c, last, [integer(3)])),
      step(execution(c, 1, [integer(4)])),
      step(write.writePrepare('SELECT nothing FROM numbered WHERE id = ?'), execution(c, last, [integer(2)])),
      step(execution(c, last, [integer(2)])),
      step(
        write.writePrepare('INSERT INTO scratch (t) VALUES (?)'),
        execution(c, last, [text('pipelined')]),
        write.writeQuery('SELECT LAST_INSERT_ID() > 0', c.flags),
        execution(c, last, [text('again')]),
      ),
      step(close(last), write.writeQuery('DELETE FROM scratch', c.flags)),
      step(write.writePrepare('SELECT 1'), execution(c, last), close(last), write.writePrepare('DO ?')),
    ],
    engines: 'mariadb',
  },
  {
    name: 'bulk execution',
    steps: (c) => [
      prepare('INSERT INTO scratch (t) VALUES (?)'),
      step(bulk(1, 128)),
      step(bulk(1, 128), write.writeQuery('SELECT COUNT(*), MAX(t) FROM scratch', c.flags)),
      prepare('SELECT ?'),
      step(bulk(2, 128)),
      asked(c)('TRUNCATE TABLE scratch'),
    ],
    engines: 'mariadb',
    sets: ['cached'],
  },
];

export const preparedStatements: Conversation[] = [...both, ...mariadb];
