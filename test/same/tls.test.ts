/**
 * TLS on either leg of PostgreSQL: what the server says is the same to the byte, cancels work, certificates are checked as
 * sslmode says, and nobody gets bytes in before a handshake.
 */
import { once } from 'node:events';
import { copyFileSync, readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { authority, noOpenssl, type Authority, type Certificate } from '../support/certificates.ts';
import { availableVersions, pointed, run, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { firstDifference, play, type Target, type Transcript } from './conversation.ts';
import { errors } from './conversations/errors.ts';
import { extendedProtocol } from './conversations/extended.ts';
import { rewrites } from './conversations/rewrites.ts';
import { simple } from './conversations/simple.ts';
import { schema } from './database.ts';
import { cancelRequest, query, sslRequest, startup } from './messages.ts';
import { byteByByte, inOneWrite, RawClient, type RawClientOptions } from './raw-client.ts';

const why = noOpenssl();
if (why !== undefined) process.stderr.write(`\n*** NOT TESTED: TLS: ${why}\n\n`);

const who = { user: 'postgres', database: 'postgres' };
/** The text that an attacker, or a broken server, puts in the way before the handshake. */
const injected = 'ESFATAL\0C08006\0Mtrust me\0\0';
const answers: Record<string, [string, RegExp]> = {
  error: [injected, /its answer to the request for TLS is not one/],
  'behind S': [`S${injected}`, /bytes between its answer to the request for TLS and the handshake/],
  'behind N': [`N${injected}`, /bytes between its answer to the request for TLS and the handshake/],
  nothing: ['', /it closed the connection/],
};

describe.skipIf(why !== undefined).each(availableVersions([15, 18], 'own'))('PostgreSQL %i', (version) => {
  let ca: Authority;
  let stranger: Authority;
  let server: Postgres;
  let proxy: Proxy;
  const stops: (() => unknown)[] = [];
  /** Certificate of the listener `exchanged`, and what it is exchanged for. */
  let live: Certificate;
  let next: Certificate;
  const ports = new Map<string, number>();
  const port = (name: string): number => ports.get(name)!;

  /** One process, a listener for everything. */
  async function interlock(): Promise<void> {
    const own = ca.issue('proxy', ['localhost', '127.0.0.1']);
    const { cert, key } = ca.issue('certified', ['certified']);
    const tls = `tls: { cert: ${own.cert}, key: ${own.key} }`;
    const real = `localhost:${server.port}`;
    const listeners: [string, string, string, string?][] = [
      ['plain to require', real, 'mode: require'],
      ['TLS to disable', real, 'mode: disable', tls],
      ['TLS to require', real, 'mode: require', tls],
      ['TLS to prefer', real, 'mode: prefer', tls],
      ['plain to prefer', real, 'mode: prefer'],
      ['plain to direct', real, 'mode: require, negotiation: direct'],
      ['verify-ca', real, `mode: verify-ca, ca: ${ca.cert}`],
      ['verify-full', real, `mode: verify-full, ca: ${ca.cert}`],
      [
        'verify-full by another name',
        `127.0.0.1:${server.port}`,
        `mode: verify-full, ca: ${ca.cert}, server_name: localhost`,
      ],
      ['another name', real, `mode: verify-full, ca: ${ca.cert}, server_name: db.example.com`],
      ['address', `127.0.0.1:${server.port}`, `mode: verify-full, ca: ${ca.cert}`],
      ['unknown CA with require', real, `mode: require, ca: ${stranger.cert}`],
      ['unknown CA with verify-ca', real, `mode: verify-ca, ca: ${stranger.cert}`],
      ['unknown CA with verify-full', real, `mode: verify-full, ca: ${stranger.cert}`],
      ["Node's CAs with verify-full", real, 'mode: verify-full, ca: system'],
      ['certified', real, `mode: verify-full, ca: ${ca.cert}, cert: ${cert}, key: ${key}`],
      ['exchanged', real, 'mode: disable', `tls: { cert: ${live.cert}, key: ${live.key} }`],
      [
        'required',
        real,
        'mode: disable',
        `tls: { cert: ${own.cert}, key: ${own.key}, mode: require, client_ca: ${ca.cert} }`,
      ],
    ];
    const without = await startPostgres({ version, own: true });
    stops.push(() => without.stop());
    listeners.push(['require without TLS', `127.0.0.1:${without.port}`, 'mode: require']);
    listeners.push(['prefer without TLS', `127.0.0.1:${without.port}`, 'mode: prefer']);
    for (const [name, [answer]] of Object.entries(answers))
      listeners.push([name, `127.0.0.1:${await fakeServer(answer)}`, 'mode: require']);
    const config = listeners.map(
      ([, to, serverTls, clientTls], index) =>
        `  - { name: L${index}, listen: '127.0.0.1:0', server: 'postgres://${to}', server_tls: { ${serverTls} }${clientTls === undefined ? '' : `, ${clientTls}`} }\n`,
    );
    proxy = await startInterlock({
      server,
      config: `listeners:\n${config.join('')}rules: { packs: [django], mode: rewrite }\n`,
    });
    stops.push(() => proxy.stop());
    for (const line of proxy.logs())
      if (line.msg === 'listening')
        ports.set(listeners[Number(String(line.listener).slice(1))]![0], Number(line.port));
  }

  async function fakeServer(answer: string): Promise<number> {
    const fake = createServer((socket) => socket.once('data', () => socket.end(answer, 'latin1')));
    fake.listen(0, '127.0.0.1');
    await once(fake, 'listening');
    stops.push(() => fake.close());
    return (fake.address() as AddressInfo).port;
  }

  beforeAll(async () => {
    ca = authority();
    stranger = authority('another CA');
    stops.push(
      () => ca.remove(),
      () => stranger.remove(),
    );
    live = { cert: join(ca.folder, 'live.pem'), key: join(ca.folder, 'live.key') };
    const first = ca.issue('first', ['first.example']);
    next = ca.issue('second', ['second.example']);
    copyFileSync(first.cert, live.cert);
    copyFileSync(first.key, live.key);
    const hba = [
      'hostssl all certified 127.0.0.1/32 cert',
      'hostssl all encrypted 127.0.0.1/32 trust',
      'host all encrypted 127.0.0.1/32 reject',
    ];
    const tls = { ...ca.issue('server', ['localhost']), ca: ca.cert };
    server = await startPostgres({ version, tls, hba, settings: { log_statement: 'none' } });
    stops.push(() => server.stop());
    await run(server.url, 'CREATE ROLE certified LOGIN', 'CREATE ROLE encrypted LOGIN');
    await interlock();
  });
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  describe('conversations', () => {
    const held = [
      ...simple.slice(0, 8),
      ...errors.slice(0, 4),
      ...extendedProtocol.slice(0, 8),
      ...rewrites.slice(0, 6),
    ];
    const ways: [string, RawClientOptions['tls'] | undefined][] = [
      ['plain to require', undefined],
      ['TLS to disable', {}],
      ['TLS to require', {}],
      ['TLS to prefer', { direct: true }],
    ];
    if (version >= 17) ways.push(['plain to direct', undefined]);
    let template: string;
    let expected: Transcript[];
    const copy = async (purpose: string): Promise<Target> => {
      const database = `tls_${purpose.replaceAll(/\W/g, '_').padEnd(16, '_').toLowerCase()}`;
      await run(server.url, `CREATE DATABASE ${database} TEMPLATE ${template}`);
      const [last] = await run(
        pointed(server.url, { database }),
        'SELECT max(oid::int8)::text AS oid FROM pg_class',
      );
      return { port: server.port, user: 'postgres', database, lastOid: Number(last!.rows[0].oid) };
    };
    beforeAll(async () => {
      template = await server.newDatabase();
      await run(pointed(server.url, { database: template }), schema);
      const direct = await copy('direct');
      expected = [];
      for (const one of held) expected.push(await play(one, direct, () => inOneWrite));
    });

    test.for(ways)('%s: the same to the byte', async ([name, tls]) => {
      const rewritten = async () =>
        (await proxy.metrics())['interlock_statements_total{outcome="rewritten"}'] ?? 0;
      const before = await rewritten();
      const target = { ...(await copy(name)), port: port(name), ...(tls !== undefined && { tls }) };
      for (const [index, one] of held.entries()) {
        const cut = index % 4 === 0 ? byteByByte : inOneWrite;
        expect(
          firstDifference(expected[index]!, await play(one, target, () => cut)),
          one.name,
        ).toBeUndefined();
      }
      expect((await rewritten()) - before).toBe(
        held.reduce((sum, { rewrites: count = 0 }) => sum + count, 0),
      );
      expect(await asks(port(name), tls, encryption)).toBe(String(!name.endsWith('disable')));
    });

    test.each<[string, RawClientOptions['tls'] | undefined]>([
      ['TLS to require', {}],
      ['TLS to disable', {}],
      ['plain to require', undefined],
    ])('%s: a few megabytes both ways', async (name, tls) => {
      const text = 'x'.repeat(3_000_000);
      const answer = await asks(port(name), tls, `SELECT '${text}' || repeat('y', 3000000)`);
      expect(answer === text + 'y'.repeat(3_000_000)).toBe(true);
    });
  });

  test('a cancel request: over TLS, over direct TLS and plain, to a server that is asked for TLS', async () => {
    const asleep = `SELECT count(*)::text FROM pg_stat_activity WHERE wait_event = 'PgSleep'`;
    for (const tls of [{}, { direct: true }, undefined]) {
      const sleeper = await loggedIn(port('TLS to require'), {});
      const key = sleeper.messages.find((one) => one[0] === 0x4b)!;
      await sleeper.send(query('SELECT pg_sleep(60)'));
      await vi.waitUntil(async () => (await asks(server.port, undefined, asleep)) === '1', 10_000);
      const canceller = await RawClient.connect({
        port: port('TLS to require'),
        ...(tls !== undefined && { tls }),
      });
      await canceller.send(cancelRequest(key.readInt32BE(5), key.subarray(9)));
      await canceller.until('end');
      const error = (await sleeper.until('EZ')).find((one) => one[0] === 0x45);
      expect(error!.toString('latin1')).toContain('C57014');
      sleeper.close();
    }
  });

  describe('sslmode', () => {
    const failure = async (name: string): Promise<string> => {
      const client = await RawClient.connect({ port: port(name) });
      await client.send(startup(who));
      const said = Buffer.concat(await client.until('end'));
      client.close();
      return said.subarray(5).toString('latin1').replaceAll('\0', ' ').trim();
    };

    test.each([
      'verify-full',
      'verify-full by another name',
      'verify-ca',
      'plain to require',
      'plain to prefer',
    ])('%s: encrypted', async (name) => {
      expect(await asks(port(name), undefined, 'SELECT current_user::text', 'encrypted')).toBe('encrypted');
    });

    test.each(['another name', 'address'])('verify-full refuses %s, and says how to go on', async (name) => {
      const said = await failure(name);
      expect(said).toMatch(
        /^SFATAL VFATAL C08001 MInterlock cannot connect to the server at [a-z0-9.]+:\d+: the server's certificate is for another name HWrite that name /,
      );
    });

    test.each(['verify-ca', 'verify-full', 'require'])('%s refuses an unknown CA', async (mode) => {
      expect(await failure(`unknown CA with ${mode}`)).toMatch(
        /C08001 .*signed by an unknown CA HName the CA that signed it in server_tls.ca/,
      );
    });

    test("verify-full with Node's CAs does not know one of ours", async () => {
      expect(await failure("Node's CAs with verify-full")).toMatch(/signed by an unknown CA/);
    });

    test('a client certificate of the proxy logs its owner in', async () => {
      expect(await asks(port('certified'), undefined, 'SELECT current_user::text', 'certified')).toBe(
        'certified',
      );
    });

    test('a server without TLS: require refuses it, prefer goes on plain', async () => {
      expect(await failure('require without TLS')).toMatch(
        /C08001 MInterlock cannot connect to the server at 127\.0\.0\.1:\d+: it does not offer TLS HSwitch TLS on at the server/,
      );
      expect(await asks(port('prefer without TLS'), undefined, encryption)).toBe('false');
    });

    if (version < 17)
      test('direct TLS to a server that does not know it', async () => {
        expect(await failure('plain to direct')).toMatch(/C08001 MInterlock cannot connect to the server/);
      });

    test.each(Object.keys(answers))(
      'before the handshake: %s. It is never shown, and nothing may stand behind the answer',
      async (name) => {
        const said = await failure(name);
        expect(said).toMatch(answers[name]![1]);
        expect(said).not.toContain('trust me');
      },
    );
  });

  test('a certificate is exchanged: new connections get it, old ones go on; what is broken is not taken', async () => {
    const said = (msg: string) => () =>
      proxy.logs().some((line) => line.msg === msg && line.side === 'client');
    const old = await loggedIn(port('exchanged'), {});
    expect(await presented(port('exchanged'))).toBe('first.example');
    copyFileSync(next.cert, live.cert);
    proxy.signal('SIGHUP');
    await vi.waitUntil(said('certificates not read: the old ones stay in use'));
    expect(await presented(port('exchanged'))).toBe('first.example');
    copyFileSync(next.key, live.key);
    const before = proxy.logs().length;
    proxy.signal('SIGHUP');
    await vi.waitUntil(() =>
      proxy
        .logs()
        .slice(before)
        .some(({ msg, problem }) => msg === 'certificates read anew' && problem === undefined),
    );
    await vi.waitUntil(async () => (await presented(port('exchanged'))) === 'second.example');
    await old.send(query('SELECT 1'));
    await old.until('Z');
    old.close();
    expect((await proxy.metrics())['interlock_tls_reloads_total{outcome="failed"}']).toBeGreaterThan(0);
  });

  test('clients: require, client_ca, ALPN, a handshake that is none', async () => {
    const failures = async () => (await proxy.metrics())['interlock_tls_failures_total{side="client"}'] ?? 0;
    const before = await failures();
    const at = port('required');
    const plain = await RawClient.connect({ port: at });
    await plain.send(startup(who));
    const [refusal] = await plain.until('end');
    expect(refusal!.toString('latin1')).toMatch(
      /C28000\0Minterlock: this listener takes no connection without TLS\0HSet sslmode=require/,
    );
    const certificate = ca.issue('client', ['client']);
    const foreign = stranger.issue('client', ['client']);
    const shown = { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) };
    expect(await asks(at, shown, `SELECT 'in'`)).toBe('in');
    for (const refused of [
      {},
      { cert: readFileSync(foreign.cert), key: readFileSync(foreign.key) },
      { ...shown, direct: true, ALPNProtocols: [] },
      { ...shown, direct: true, ALPNProtocols: ['http/1.1'] },
    ])
      await expect(asks(at, refused, `SELECT 'in'`)).rejects.toThrow();
    const noise = await RawClient.connect({ port: at });
    expect((await noise.askBare(sslRequest, 1)).toString()).toBe('S');
    await noise.send(startup(who));
    await noise.until('end');
    await vi.waitUntil(async () => (await failures()) - before === 5);
    expect(await asks(at, shown, `SELECT 'still'`)).toBe('still');
  });

  test('nothing was left behind, and nothing went wrong inside', async () => {
    await vi.waitUntil(async () => (await proxy.metrics()).interlock_sessions === 0, 10_000);
    const metrics = await proxy.metrics();
    expect(metrics.interlock_problems_total).toBe(0);
    // Another name and the address, three unknown CAs, Node's CAs; 15 does not know direct TLS.
    expect(metrics['interlock_tls_failures_total{side="server"}']).toBe(version < 17 ? 7 : 6);
  });
});

const encryption = 'SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()';

async function loggedIn(port: number, tls: RawClientOptions['tls'], user = 'postgres'): Promise<RawClient> {
  const client = await RawClient.connect({ port, ...(tls !== undefined && { tls }) });
  await client.send(startup({ ...who, user }));
  await client.until('Z');
  return client;
}

/** First column of the first row. */
async function asks(port: number, tls: RawClientOptions['tls'], sql: string, user?: string): Promise<string> {
  const client = await loggedIn(port, tls, user);
  await client.send(query(sql));
  const row = (await client.until('Z')).find((one) => one[0] === 0x44);
  client.close();
  return row!.toString('latin1', 11);
}

/** Common name of the certificate that a port presents. */
async function presented(port: number): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1');
  const secure = connectTls({ socket, ALPNProtocols: ['postgresql'], rejectUnauthorized: false });
  await once(secure, 'secureConnect');
  const name = secure.getPeerCertificate().subject.CN;
  secure.destroy();
  return String(name);
}
