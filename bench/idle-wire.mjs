/** Just enough of both protocols for idle.mjs: a server that logs everybody in and answers every statement, and its client. */

/** PostgreSQL: type, length (itself included), body. */
const message = (type, ...parts) => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const head = Buffer.alloc(type.length + 4, type, 'latin1');
  head.writeUInt32BE(body.length + 4, type.length);
  return Buffer.concat([head, body]);
};
const int = (value) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

/** What PostgreSQL 18 reports of itself at a log-in. */
const parameters = Object.entries({
  in_hot_standby: 'off',
  integer_datetimes: 'on',
  TimeZone: 'Etc/UTC',
  IntervalStyle: 'postgres',
  search_path: '"$user", public',
  is_superuser: 'on',
  application_name: 'idle',
  default_transaction_read_only: 'off',
  scram_iterations: '4096',
  DateStyle: 'ISO, MDY',
  standard_conforming_strings: 'on',
  session_authorization: 'app',
  client_encoding: 'UTF8',
  server_version: '18.0',
  server_encoding: 'UTF8',
}).map(([name, value]) => message('S', `${name}\0${value}\0`));

const ready = (status) => message('Z', status);
const column = [0, 1, ...Buffer.from('n\0'), ...int(0), 0, 0, ...int(23), 0, 4, ...int(-1), 0, 0];

export const postgres = {
  greeting: undefined,
  /** @returns the answer to all that a chunk asks; `state` is the connection's own */
  answer(chunk, state) {
    const answers = [];
    for (let at = 0; at < chunk.length;) {
      if (!state.loggedIn) {
        const length = chunk.readUInt32BE(at);
        const request = chunk.readUInt32BE(at + 4);
        at += length;
        if (request === 80877103 || request === 80877104) {
          answers.push(Buffer.from('N'));
          continue;
        }
        state.loggedIn = true;
        const key = message('K', int(state.id), int(state.id));
        answers.push(message('R', int(0)), ...parameters, key, ready('I'));
        continue;
      }
      const text = chunk.toString('latin1', at + 5, chunk.indexOf(0, at + 5));
      const type = String.fromCharCode(chunk[at]);
      at += chunk.readUInt32BE(at + 1) + 1;
      if (type !== 'Q') continue;
      if (text === 'BEGIN') answers.push(message('C', 'BEGIN\0'), ready('T'));
      else if (text === 'COMMIT') answers.push(message('C', 'COMMIT\0'), ready('I'));
      else
        answers.push(
          message('T', column),
          message('D', [0, 1, ...int(1), 49]),
          message('C', 'SELECT 1\0'),
          ready(state.status ?? 'I'),
        );
      if (text === 'BEGIN') state.status = 'T';
      if (text === 'COMMIT') state.status = 'I';
    }
    return Buffer.concat(answers);
  },
  login: message('', int(196608), 'user\0app\0database\0app\0application_name\0idle\0\0'),
  query: (sql) => message('Q', `${sql}\0`),
  /** The last bytes of a complete answer, whatever it is. */
  complete: (bytes) =>
    bytes.length >= 6 && bytes.readUInt32BE(bytes.length - 5) === 5 && bytes.at(-6) === 0x5a,
};

/** MySQL: length in three bytes, sequence id, body. */
const packet = (sequence, ...parts) => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([body.length & 255, body.length >> 8, 0, sequence]), body]);
};
/** PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH, TRANSACTIONS, CONNECT_WITH_DB, LONG_PASSWORD */
const capabilities = 0x0008a209;
const word = (value) => [value & 255, value >>> 8];
const scramble = 'abcdefghijklmnopqrst';
const plugin = 'mysql_native_password\0';
const ok = (sequence, status) => packet(sequence, [0, 0, 0, ...word(status), 0, 0]);
const eof = (sequence, status) => packet(sequence, [0xfe, 0, 0, ...word(status)]);
const definition = packet(2, '\x03def\0\0\0\x01n\0\x0c', word(63), [11, 0, 0, 0, 3], word(0x81), [0, 0, 0]);

export const mysql = {
  greeting: packet(
    0,
    '\x0a9.7.0\0',
    [1, 0, 0, 0],
    `${scramble.slice(0, 8)}\0`,
    word(capabilities & 0xffff),
    [45],
    word(2),
    word(capabilities >>> 16),
    [21],
    Buffer.alloc(10),
    `${scramble.slice(8)}\0`,
    plugin,
  ),
  answer(chunk, state) {
    if (!state.loggedIn) {
      state.loggedIn = true;
      return ok(chunk[3] + 1, 2);
    }
    if (chunk[4] !== 3) return Buffer.alloc(0);
    const text = chunk.toString('latin1', 5);
    if (text === 'BEGIN' || text === 'COMMIT') {
      state.status = text === 'BEGIN' ? 3 : 2;
      return ok(1, state.status);
    }
    const status = state.status ?? 2;
    return Buffer.concat([packet(1, [1]), definition, eof(3, status), packet(4, '\x011'), eof(5, status)]);
  },
  login: packet(
    1,
    word(capabilities & 0xffff),
    word(capabilities >>> 16),
    int(1),
    [45],
    Buffer.alloc(23),
    'app\0',
    [0],
    'app\0',
    plugin,
  ),
  query: (sql) => packet(0, [3], sql),
  complete(bytes) {
    let [at, packets] = [0, 0];
    for (; at + 4 <= bytes.length; packets++) at += 4 + bytes.readUIntLE(at, 3);
    if (at !== bytes.length || packets === 0) return false;
    return packets === 1 ? bytes[4] === 0 || bytes[4] === 10 : packets === 5;
  },
};
