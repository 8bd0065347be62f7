/**
 * Before the log-in: requests for encryption, protocol versions, packets that are none. Where the server has an answer, the
 * proxy's must be the same; where it would hang up, the proxy must too, and go on serving others.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { availableVersions, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { mask } from './mask.ts';
import {
  cancelRequest,
  cstring,
  gssEncRequest,
  int32,
  protocol30,
  protocol32,
  query,
  sslRequest,
  startup,
  terminate,
  untyped,
} from './messages.ts';
import { byteByByte, inOneWrite, RawClient, type Cut } from './raw-client.ts';

const who = { user: 'postgres', database: 'postgres' };
const anyOid = 2 ** 32;

/** Everything a fresh connection is answered until the first ReadyForQuery, or until its end. */
async function answersTo(
  port: number,
  packet: Buffer,
  end: 'Z' | 'end',
  cut: Cut = inOneWrite,
): Promise<Buffer[]> {
  const client = await RawClient.connect({ port, cut });
  try {
    await client.send(packet);
    await client.until(end);
    return mask(client.messages, anyOid);
  } finally {
    client.close();
  }
}

describe.each(availableVersions([15, 18]))('PostgreSQL %i', (version) => {
  let server: Postgres;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await startPostgres({ version });
    proxy = await startInterlock({ server, mode: 'rewrite', tables: ['*'] });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  describe.each(['through the proxy', 'directly'])('requests for encryption, %s', (way) => {
    let port: number;
    beforeEach(() => void (port = way === 'directly' ? server.port : proxy.port));

    test.for([
      ['SSL', [sslRequest]],
      ['GSS', [gssEncRequest]],
      ['SSL, then GSS', [sslRequest, gssEncRequest]],
      ['GSS, then SSL', [gssEncRequest, sslRequest]],
    ] as const)('%s is answered N and the log-in goes on', async ([, requests]) => {
      const client = await RawClient.connect({ port });
      for (const request of requests) expect((await client.askBare(request, 1)).toString()).toBe('N');
      await client.send(startup(who));
      const answers = await client.until('Z');
      expect(answers[0]!.subarray(0, 9).toString('hex')).toBe('520000000800000000');
      client.close();
    });

    test.for([
      ['SSL', sslRequest],
      ['GSS', gssEncRequest],
    ] as const)('%s with the StartupMessage stuffed behind it is refused', async ([, request]) => {
      const client = await RawClient.connect({ port });
      await client.send(Buffer.concat([request, startup(who), query('SELECT 1')]));
      await client.until('end');
      expect(client.messages.map((m) => String.fromCharCode(m[0]!)).join('')).not.toContain('Z');
      client.close();
    });
  });

  const big = 'x'.repeat(9_000);
  test.for([
    ['a plain log-in', startup(who), 'Z'],
    ['a log-in byte by byte', startup(who), 'Z', byteByByte],
    [
      'parameters of all kinds',
      startup({ ...who, application_name: "a'; DROP TABLE x --", options: '-c work_mem=1MB' }),
      'Z',
    ],
    ['a parameter that does not exist', startup({ ...who, nothing_at_all: '1' }), 'end'],
    ['an empty parameter value', startup({ ...who, application_name: '' }), 'Z'],
    ['no user', startup({ database: 'postgres' }), 'end'],
    ['no database', startup({ user: 'postgres' }), 'Z'],
    ['a database that does not exist', startup({ user: 'postgres', database: 'nowhere' }), 'end'],
    ['a role that does not exist', startup({ user: 'nobody_here', database: 'postgres' }), 'end'],
    ['protocol 3.2', startup(who, protocol32), 'Z'],
    ['protocol 3.9999 (grease)', startup({ ...who, '_pq_.test_protocol_negotiation': '' }, 0x0003_270f), 'Z'],
    ['a protocol option nobody knows', startup({ ...who, '_pq_.nothing': 'x' }, protocol30), 'Z'],
    ['almost 10,000 bytes', startup({ ...who, application_name: big }), 'Z'],
  ] as [string, Buffer, 'Z' | 'end', Cut?][])(
    '%s is answered as by the server',
    async ([, packet, end, cut]) => {
      const direct = await answersTo(server.port, packet, end);
      const proxied = await answersTo(proxy.port, packet, end, cut);
      expect(proxied.map((m) => m.toString('latin1'))).toEqual(direct.map((m) => m.toString('latin1')));
      expect(direct.length).toBeGreaterThan(0);
    },
  );

  test.for([
    ['length 0', int32(0)],
    ['length 7', Buffer.concat([int32(7), Buffer.from('abc')])],
    ['length 10,005', Buffer.concat([int32(10_005), int32(protocol30), Buffer.alloc(9_997, 'a')])],
    ['length 2 GiB', Buffer.concat([int32(0x7fff_ffff), int32(protocol30), Buffer.alloc(64)])],
    ['negative length', Buffer.concat([int32(-8), int32(protocol30)])],
    ['Terminate in place of the start-up message', Buffer.concat([Buffer.from('X'), int32(4)])],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: here\r\n\r\n')],
  ] as [string, Buffer][])('%s ends the connection without a word, as at the server', async ([, packet]) => {
    expect(await answersTo(server.port, packet, 'end')).toEqual([]);
    expect(await answersTo(proxy.port, packet, 'end')).toEqual([]);
  });

  test.for([
    ['no terminator', untyped(int32(protocol30), cstring('user'), cstring('postgres'))],
    ['an odd number of strings', untyped(int32(protocol30), cstring('user'), Buffer.of(0))],
    ['a string cut off', untyped(int32(protocol30), cstring('user'), Buffer.from('postgres'))],
    ['protocol 2.0', startup(who, 0x0002_0000)],
    ['protocol 4.0', startup(who, 0x0004_0000)],
    ['a TLS greeting without being asked', Buffer.from('16030100c8010000c40303', 'hex')],
    ['SSLRequest of the wrong length', untyped(int32(80877103), int32(0))],
    ['a CancelRequest without key', untyped(int32(80877102), int32(1))],
  ] as [string, Buffer][])('%s ends the connection and nothing else', async ([, packet]) => {
    const answers = await answersTo(proxy.port, packet, 'end');
    expect(answers.every((m) => m[0] === 'E'.charCodeAt(0))).toBe(true);
    expect((await answersTo(proxy.port, startup(who), 'Z')).at(-1)!.toString('latin1', 5)).toBe('I');
  });

  test.for([
    ['length 3', Buffer.concat([Buffer.from('Q'), int32(3), Buffer.alloc(8)])],
    ['length 0', Buffer.concat([Buffer.from('P'), int32(0), Buffer.alloc(8)])],
    ['negative length', Buffer.concat([Buffer.from('B'), int32(-1), Buffer.alloc(8)])],
  ] as [string, Buffer][])('after the log-in, %s ends the connection and nothing else', async ([, bytes]) => {
    const other = await loggedIn(proxy.port);
    const client = await loggedIn(proxy.port);
    await client.send(Buffer.concat([query('SELECT 1'), bytes]));
    await client.until('end');
    client.close();
    await other.send(query('SELECT 2'));
    await other.until('Z');
    other.close();
  });

  test('a client that goes away in the middle of a message leaves no backend behind', async () => {
    const client = await loggedIn(proxy.port, { ...who, application_name: 'gone' });
    await client.send(query('SELECT 1').subarray(0, 9));
    client.close();
    const watch = await loggedIn(server.port);
    const count = query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gone'");
    for (;;) {
      await watch.send(count);
      const row = (await watch.until('Z')).find((m) => m[0] === 'D'.charCodeAt(0))!;
      if (row.toString('latin1', 11) === '0') break;
    }
    watch.close();
  });

  test.for([
    ['3.0', protocol30],
    ['3.2', protocol32],
  ] as const)('a CancelRequest of protocol %s reaches its statement', async ([, protocol]) => {
    const client = await loggedIn(proxy.port, { ...who, application_name: 'sleeper' }, protocol);
    const key = client.messages.find((m) => m[0] === 'K'.charCodeAt(0))!;
    await client.send(query('SELECT pg_sleep(600)'));
    await running(server.port, 'sleeper');
    const canceller = await RawClient.connect({ port: proxy.port });
    await canceller.send(cancelRequest(key.readInt32BE(5), key.subarray(9)));
    await canceller.until('end');
    expect(canceller.messages).toEqual([]);
    const answers = await client.until('Z');
    expect(answers.map((m) => m.toString('latin1')).join()).toContain('C57014');
    await client.send(terminate);
    await client.until('end');
    client.close();
  });

  test('a CancelRequest with a wrong key cancels nothing', async () => {
    const client = await loggedIn(proxy.port, { ...who, application_name: 'undisturbed' });
    const key = client.messages.find((m) => m[0] === 'K'.charCodeAt(0))!;
    const canceller = await RawClient.connect({ port: proxy.port });
    await canceller.send(cancelRequest(key.readInt32BE(5), Buffer.from(key.subarray(9).map((b) => b ^ 1))));
    await canceller.until('end');
    await client.send(query('SELECT 1'));
    const answers = await client.until('Z');
    expect(answers.map((m) => String.fromCharCode(m[0]!)).join('')).toBe('TDCZ');
    client.close();
  });
});

async function loggedIn(
  port: number,
  parameters: Record<string, string> = who,
  version = protocol30,
): Promise<RawClient> {
  const client = await RawClient.connect({ port });
  await client.send(startup(parameters, version));
  await client.until('Z');
  return client;
}

/** Waits, by asking the server, until the session of this name is executing a statement. */
async function running(port: number, application: string): Promise<void> {
  const watch = await loggedIn(port);
  const asked = query(
    `SELECT count(*) FROM pg_stat_activity WHERE application_name = '${application}' AND state = 'active' AND wait_event = 'PgSleep'`,
  );
  for (;;) {
    await watch.send(asked);
    const row = (await watch.until('Z')).find((m) => m[0] === 'D'.charCodeAt(0))!;
    if (row.toString('latin1', 11) === '1') break;
  }
  watch.close();
}
