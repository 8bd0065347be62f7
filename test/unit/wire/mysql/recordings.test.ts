/** Everything three real servers answered, with every set of capabilities, cut at every byte. */
import { describe, expect, test } from 'vitest';
import { replyShape } from '../../../../src/wire/mysql/commands.ts';
import { recordings } from './recordings.ts';
import { Listener, capabilitiesOf, shapesOf } from './transcript.ts';
import { cut, messages } from './support.ts';

/** [what a server that sends EOF packets answers, without EOF packets if that is something else] by turn. */
const expected: Record<string, string | [string, string]> = {
  'log-in': 'authentication …',
  'log-in, second answer': 'ok',
  'init-db': 'ok',
  ping: 'ok',
  statistics: 'text',
  'query SET autocommit=0': 'ok',
  "query INSERT INTO t (name, amount) VALUES ('a', 1.50), ('b', NULL)": 'ok',
  'query SELECT id, name AS n, amount FROM t AS x ORDER BY id': [
    'count column*3 end-of-columns row*2 end-of-rows',
    'count column*3 row*2 end-of-rows',
  ],
  'query SELECT NULL, 1': ['count column*2 end-of-columns row end-of-rows', 'count column*2 row end-of-rows'],
  'query SELECT id FROM t WHERE id < 0': [
    'count column end-of-columns end-of-rows',
    'count column end-of-rows',
  ],
  'query INSERT INTO t (id) VALUES (1)': 'err',
  'query SELECT 1; SELECT 2, 3; DO 0; SELECT nothing; SELECT 4': [
    'count column end-of-columns row end-of-rows count column*2 end-of-columns row end-of-rows ok err',
    'count column row end-of-rows count column*2 row end-of-rows ok err',
  ],
  'query CALL p(2)': [
    'count column end-of-columns row end-of-rows count column*2 end-of-columns row end-of-rows ok',
    'count column row end-of-rows count column*2 row end-of-rows ok',
  ],
  'query SELECT 1 UNION ALL SELECT (SELECT 1 UNION SELECT 2)': [
    'count column end-of-columns row err',
    'count column row err',
  ],
  "query LOAD DATA LOCAL INFILE 'rows.txt' INTO TABLE t (name)": 'local-infile …',
  file: 'ok',
  'field-list': 'column*3 end-of-columns',
  'set-option': 'ok',
  debug: 'ok',
  unknown: 'err',
  'prepare SELECT id, name FROM t WHERE id > ? AND name <> ? ORDER BY id': [
    'prepared parameter*2 end-of-parameters column*2 end-of-columns',
    'prepared parameter*2 column*2',
  ],
  execute: ['count column*2 end-of-columns row*2 end-of-rows', 'count column*2 row*2 end-of-rows'],
  'execute with cursor': ['count column*2 end-of-columns(cursor)', 'count column*2 end-of-rows(cursor)'],
  'fetch 1': 'row end-of-rows',
  'fetch 100': 'row end-of-rows',
  'fetch after the end': 'err',
  reset: 'ok',
  close: '',
  'long data': '',
  'execute closed': 'err',
  'prepare SELECT FROM': 'err',
  'prepare DO 0': 'prepared',
  'prepare INSERT INTO t (name) VALUES (?)': ['prepared parameter end-of-parameters', 'prepared parameter'],
  'execute call': [
    'count column end-of-columns row end-of-rows count column*2 end-of-columns row end-of-rows ok',
    'count column row end-of-rows count column*2 row end-of-rows ok',
  ],
  'pipelined, failing': 'err*2',
  bulk: 'ok',
  'reset-connection': 'ok',
  'change-user': 'authentication …',
  'change-user, second answer': 'ok',
  "query SELECT 'still there'": [
    'count column end-of-columns row end-of-rows',
    'count column row end-of-rows',
  ],
  quit: '',
};

/** Where column definitions were left out. */
const omitted: Record<string, [string, string]> = {
  execute: ['count(omitted) end-of-columns row*2 end-of-rows', 'count(omitted) row*2 end-of-rows'],
  'execute without types': [
    'count(omitted) end-of-columns row*2 end-of-rows',
    'count(omitted) row*2 end-of-rows',
  ],
  pipelined: [
    'prepared parameter end-of-parameters column*2 end-of-columns count(omitted) end-of-columns end-of-rows',
    'prepared parameter column*2 count(omitted) end-of-rows',
  ],
  'pipelined again': ['count(omitted) end-of-columns end-of-rows', 'count(omitted) end-of-rows'],
};

test('there are recordings of all three servers', () => {
  expect(recordings.map(({ engine, set }) => `${engine} ${set}`)).toEqual([
    'mariadb-10.11 cached-modern',
    'mariadb-10.11 cached',
    'mariadb-10.11 modern',
    'mariadb-10.11 plain',
    'mariadb-11.8 cached-modern',
    'mariadb-11.8 cached',
    'mariadb-11.8 modern',
    'mariadb-11.8 plain',
    'mysql-9.7 attributes',
    'mysql-9.7 modern',
    'mysql-9.7 plain',
  ]);
});

describe.each(recordings)('$engine with $set', (recording) => {
  const { turns, set } = recording;
  const form = set === 'plain' || set === 'cached' ? 0 : 1;
  const replies = turns.filter(({ name }) => name !== 'greeting');

  function play(chunk: (bytes: Buffer) => Buffer[], streamRows = false): string[] {
    const listener = new Listener(capabilitiesOf(recording));
    return replies.map((turn) => {
      listener.expect(...shapesOf(turn));
      return listener.hear(chunk(Buffer.from(turn.server, 'base64')), streamRows);
    });
  }
  const whole = play((bytes) => [bytes]);

  test('every reply is what it should be', () => {
    let known = 0;
    replies.forEach(({ name }, index) => {
      const own = set.startsWith('cached') ? (omitted[name] ?? expected[name]) : expected[name];
      if (own === undefined) return;
      known += 1;
      expect(whole[index], name).toBe(typeof own === 'string' ? own : own[form]);
    });
    expect(known).toBeGreaterThanOrEqual(Object.keys(expected).length - 3);
    expect(whole.join(' ')).not.toContain('unexpected');
  });

  test('byte by byte, rows held or streamed', () => {
    const bytes = (all: Buffer): Buffer[] => [...all].map((byte) => Buffer.from([byte]));
    expect(play(bytes)).toEqual(whole);
    expect(play(bytes, true)).toEqual(whole);
  });

  test('cut at every byte', () => {
    const longest = Math.max(...replies.map(({ server }) => Buffer.from(server, 'base64').length));
    for (let at = 0; at < longest; at += 1)
      expect(play((all) => cut(all, [Math.min(at, all.length)]), at % 2 === 0)).toEqual(whole);
  });

  test('client commands are framed and known', () => {
    for (const { name, client } of replies) {
      if (/log-in|second answer|file|unknown/.test(name)) continue;
      for (const { type, sequence } of messages([Buffer.from(client, 'base64')])) {
        expect(sequence).toBe(0);
        expect(replyShape(type), name).toBeDefined();
      }
    }
  });
});
