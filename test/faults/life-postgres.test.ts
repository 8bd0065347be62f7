/**
 * How connections to a real PostgreSQL end: it is killed at every moment that matters, clients go away, the proxy drains. Each
 * client is told in its own protocol what happened, nothing is left behind, and the next connection works.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import pg from 'pg';
import { have } from '../clients/debian.ts';
import { runTool } from '../clients/tool.ts';
import { FindingReader } from '../races/findings.ts';
import { client as say, message } from '../streams/encode.ts';
import { availableVersions, pointed, run, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { nothingLeft, openFiles } from './left.ts';

interface Told {
  code?: string;
  severity?: string;
  message?: string;
  hint?: string;
}

/** A client, and what it was told behind everything that it asked for. */
interface Session {
  client: pg.Client;
  pid: number;
  ended: Promise<Told | undefined>;
}

const clients: pg.Client[] = [];

async function open(url: string): Promise<Session> {
  const client = new pg.Client({ connectionString: url });
  clients.push(client);
  let told: Told | undefined;
  client.on('error', (error: Told) => (told ??= error));
  const ended = new Promise<Told | undefined>((resolve) => client.once('end', () => resolve(told)));
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return { client, pid: rows[0]!.pid, ended };
}

const outcome = (query: Promise<unknown>): Promise<Told | 'done'> =>
  query.then(
    () => 'done' as const,
    (error: Told) => error,
  );

const tables = [
  'CREATE TABLE kind (id integer PRIMARY KEY)',
  'CREATE TABLE item (id integer PRIMARY KEY, kind_id integer NOT NULL REFERENCES kind)',
  'INSERT INTO kind VALUES (1)',
  'INSERT INTO item VALUES (1, 1), (2, 1)',
];
const filter = 'SELECT item.id FROM item JOIN kind ON kind.id = item.kind_id WHERE kind.id = 1';
const byList = 'DELETE FROM item WHERE id IN (1, 2)';

const lost = {
  code: '08006',
  severity: 'FATAL',
  message: expect.stringMatching(
    /^Interlock lost the connection to the server at 127\.0\.0\.1:\d+: /,
  ) as string,
  hint: expect.stringContaining('whether a COMMIT without an answer took effect is not known') as string,
};
const shutdown = {
  code: '57P01',
  severity: 'FATAL',
  message: 'Interlock is shutting down',
  hint: 'Connect again.',
};

const long = process.env['INTERLOCK_TEST_LONG'] === '1';

describe.each(availableVersions(long ? [15, 16, 17, 18] : [18], 'own'))('PostgreSQL %i', (version) => {
  let server: Postgres;
  let direct: string;
  let proxy: Proxy;
  let url: string;
  let files = 0;

  beforeAll(async () => {
    server = await startPostgres({ version, own: true });
    const database = await server.newDatabase();
    direct = pointed(server.url, { database });
    await run(direct, ...tables);
    proxy = await startInterlock({ server: direct, rules: ['django'], tables: ['*'] });
    url = proxy.url;
    await run(url, 'SELECT 1');
    files = openFiles(proxy);
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.end().catch(() => undefined);
    await nothingLeft(proxy, files);
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  /** The backend dies as in a crash; the server starts anew by itself. */
  const kill = ({ pid }: Session): boolean => process.kill(pid, 'SIGKILL');
  const recovered = (): Promise<void> =>
    expect.poll(() => outcome(run(url, 'SELECT 1')), { timeout: 20_000 }).toBe('done');

  test('killed in a transaction: said at once; idle: closed as directly; the next connection works', async () => {
    const [inside, idle, beside] = [await open(url), await open(url), await open(direct)];
    await inside.client.query('BEGIN');
    await inside.client.query('DELETE FROM item');
    kill(inside);
    expect(await inside.ended).toMatchObject(lost);
    // The server itself ends the others.
    const [told, toldDirectly] = [await idle.ended, await beside.ended];
    expect(told?.message).toBe(toldDirectly?.message);
    expect(told?.code).toBe(toldDirectly?.code);
    await recovered();
    const { rows } = (await run(url, 'SELECT count(*)::int AS n FROM item'))[0]!;
    expect(rows).toEqual([{ n: 2 }]);
  });

  test('killed in a query, and between the SELECT and a DELETE that would be rewritten', async () => {
    const [asking, deleting] = [await open(url), await open(url)];
    await deleting.client.query('BEGIN');
    await deleting.client.query(filter);
    const sleep = outcome(asking.client.query('SELECT pg_sleep(60)'));
    await expect.poll(() => waiting(direct, asking.pid)).toBe('PgSleep');
    kill(asking);
    expect(await sleep).toMatchObject(lost);
    expect(await outcome(deleting.client.query(byList))).not.toBe('done');
    await deleting.ended;
    await recovered();
    expect((await run(url, 'SELECT id FROM item'))[0]?.rowCount).toBe(2);
  });

  test('killed while one holds the guard and another waits for it: neither is left waiting', async () => {
    const findings = new FindingReader(proxy);
    const [holder, next] = [await open(url), await open(url)];
    for (const { client } of [holder, next]) {
      await client.query('BEGIN');
      await client.query(filter);
    }
    await holder.client.query(byList);
    const deleted = outcome(next.client.query(byList));
    await expect.poll(async () => (await proxy.metrics())['interlock_guard_waiting']).toBe(1);
    kill(next);
    expect(await deleted).toMatchObject(lost);
    await holder.ended;
    await recovered();
    const again = await open(url);
    await again.client.query('BEGIN');
    await again.client.query(filter);
    await again.client.query(byList);
    await again.client.query('ROLLBACK');
    expect((await findings.next(2)).map(({ decision, guard }) => [decision, guard])).toEqual([
      ['rewritten', 'had'],
      ['rewritten', 'had'],
    ]);
  });

  test('psql shows what happened', async (context) => {
    if (!have('psql')) return context.skip();
    const psql = runTool('psql', ['-X', '-c', 'SELECT pg_sleep(60), 1 AS psql', url]);
    const text = `SELECT pid FROM pg_stat_activity WHERE query LIKE '%AS psql' AND wait_event = 'PgSleep'`;
    let pid = 0;
    await expect
      .poll(async () => (pid = ((await run(direct, text))[0]?.rows[0] as { pid?: number })?.pid ?? 0))
      .toBeGreaterThan(0);
    process.kill(pid, 'SIGKILL');
    const { status, stderr } = await psql;
    expect(status).toBe(2);
    expect(stderr).toMatch(/^FATAL: {2}Interlock lost the connection .*\nHINT: {2}What was not committed/);
    await recovered();
  });

  test('a client that goes away in the middle of a result: the server stops', async () => {
    const { client, pid } = await open(url);
    const many = new pg.Query(`SELECT repeat('x', 1000) FROM generate_series(1, 10000000)`);
    many.on('error', () => undefined);
    client.query(many);
    await once(many, 'row');
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    await expect.poll(() => waiting(direct, pid), { timeout: 15_000 }).toBe('gone');
    expect(readFileSync(server.logFile!, 'utf8')).toMatch(/connection to client lost/);
  });

  test('a client that ends its direction still gets its replies', async () => {
    const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
    const database = new URL(direct).pathname.slice(1);
    socket.end(Buffer.concat([say.startup({ user: 'postgres', database }), say.query('SELECT 4711 AS n')]));
    let got = '';
    for await (const chunk of socket) got += String(chunk);
    expect(got).toContain('4711');
    expect(got).not.toContain('FATAL');
    socket.destroy();
  });

  test('so it does in front of a statement that is rewritten', async () => {
    const client = await Raw.open(proxy.port);
    client.send(say.startup({ user: 'postgres', database: new URL(direct).pathname.slice(1) }));
    await client.until('Z');
    for (const text of ['BEGIN', filter]) {
      client.send(say.query(text));
      await client.until('Z');
    }
    client.end(say.query(byList));
    expect(await client.toEnd()).toContain('DELETE 2');
  });
});

/** What a backend waits for; `gone` when it is no more. */
async function waiting(url: string, pid: number): Promise<string | null> {
  const [result] = await run(url, `SELECT wait_event FROM pg_stat_activity WHERE pid = ${pid}`);
  const row = result?.rows[0] as { wait_event: string | null } | undefined;
  return row === undefined ? 'gone' : row.wait_event;
}

describe.each(availableVersions([18]))('a drain in front of PostgreSQL %i', (version) => {
  let server: Postgres;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await startPostgres({ version, auth: 'scram-sha-256' });
    await run(server.url, 'CREATE TABLE t (id integer PRIMARY KEY)');
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.end().catch(() => undefined);
    await proxy?.stop();
  });
  afterAll(() => server.stop());
  const start = async (): Promise<string> => {
    proxy = await startInterlock({ server: server.url });
    return proxy.url;
  };
  const draining = () => proxy.waitForLog(({ msg }) => msg === 'draining');

  test('SIGTERM: who is idle is told, a transaction, a COPY, messages without Sync and a log-in go on to their end', async () => {
    const url = await start();
    const [idle, inside] = [await open(url), await open(url)];
    const app = new URL(server.appUrl);
    const database = app.pathname.slice(1);
    await inside.client.query('BEGIN');
    await inside.client.query('INSERT INTO t VALUES (1)');
    const [copying, unsynced] = [await Raw.open(proxy.port), await Raw.open(proxy.port)];
    for (const raw of [copying, unsynced]) {
      raw.send(say.startup({ user: 'postgres', database }));
      await raw.until('Z');
    }
    copying.send(say.query('COPY t FROM STDIN'));
    await copying.until('G');
    unsynced.send(say.parse('', 'INSERT INTO t VALUES (2)'), say.bind('', ''), say.execute(''), say.flush());
    await unsynced.until('C');
    const loggingIn = new pg.Client({ connectionString: pointed(server.appUrl, { port: proxy.port }) });
    clients.push(loggingIn);
    const asked = once(
      (loggingIn as unknown as { connection: pg.Connection }).connection,
      'authenticationSASL',
    );
    const loggedIn = outcome(loggingIn.connect());
    const late = new Promise<Told>((resolve) => loggingIn.on('error', resolve));
    await asked;

    proxy.signal('SIGTERM');
    await draining();
    expect(await idle.ended).toMatchObject(shutdown);
    expect(await loggedIn).toBe('done');
    expect(await late).toMatchObject(shutdown);
    expect(await outcome(run(url, 'SELECT 1'))).toMatchObject({ code: 'ECONNREFUSED' });
    await inside.client.query('COMMIT');
    expect(await inside.ended).toMatchObject(shutdown);
    copying.send(message('d', Buffer.from('3\n')), message('c'));
    await copying.until('Z');
    expect(await copying.toEnd()).toMatch(/57P01.*Interlock is shutting down/);
    unsynced.send(say.sync());
    await unsynced.until('Z');
    expect(await unsynced.toEnd()).toMatch(/57P01.*Interlock is shutting down/);
    expect(await proxy.ended).toBe(0);
    const { rows } = (await run(server.url, 'SELECT id FROM t ORDER BY id'))[0]!;
    expect(rows).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  });

  test('a second SIGTERM ends at once, with a word to who is in a transaction', async () => {
    const inside = await open(await start());
    await inside.client.query('BEGIN');
    proxy.signal('SIGTERM');
    await draining();
    proxy.signal('SIGTERM');
    expect(await inside.ended).toMatchObject(shutdown);
    expect(await proxy.ended).toBe(1);
  });
});

/** A client that sends bytes and waits for a message of the server. */
class Raw {
  static async open(port: number): Promise<Raw> {
    const raw = new Raw(connect(port, '127.0.0.1'));
    await once(raw.socket, 'connect');
    return raw;
  }

  private readonly socket: Socket;
  private bytes: Buffer = Buffer.alloc(0);
  private ended = false;
  private changed: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
      this.changed();
    });
    socket.on('close', () => {
      this.ended = true;
      this.changed();
    });
  }

  send(...messages: Buffer[]): void {
    this.socket.write(Buffer.concat(messages));
  }

  /** Its last words: it goes on reading. */
  end(...messages: Buffer[]): void {
    this.socket.end(Buffer.concat(messages));
  }

  /** Takes everything up to a message of this type. */
  async until(type: string): Promise<void> {
    for (;;) {
      while (this.bytes.length < 5 || this.bytes.length <= this.bytes.readInt32BE(1)) await this.more();
      const end = 1 + this.bytes.readInt32BE(1);
      const found = this.bytes.toString('latin1', 0, 1);
      this.bytes = this.bytes.subarray(end);
      if (found === type) return;
    }
  }

  /** What else came before the end. */
  async toEnd(): Promise<string> {
    while (!this.ended) await new Promise<void>((resolve) => (this.changed = resolve));
    return this.bytes.toString('latin1');
  }

  private async more(): Promise<void> {
    if (this.ended) throw new Error('ended');
    await new Promise<void>((resolve) => (this.changed = resolve));
  }
}

test('a server that cannot be reached: why, and what helps', async () => {
  const cases = [
    { server: 'postgres://127.0.0.1:1', said: /ECONNREFUSED$/, hint: /is the server running\?/ },
    {
      server: 'postgres://no-such-host.invalid',
      said: /(ENOTFOUND|EAI_AGAIN)$/,
      hint: /spelt right|do not answer/,
    },
    { server: 'postgres:///?host=/nowhere', said: /ENOENT$/, hint: /no such socket/ },
  ];
  const listeners = cases.map(
    ({ server }, n) => `  - { name: l${n}, listen: "127.0.0.1:0", server: "${server}" }\n`,
  );
  const proxy = await startInterlock({
    server: cases[0]!.server,
    config: `listeners:\n${listeners.join('')}`,
  });
  try {
    for (const [n, { said, hint }] of cases.entries()) {
      const { port } = await proxy.waitForLog(
        ({ msg, listener }) => msg === 'listening' && listener === `l${n}`,
      );
      const client = new pg.Client({ host: '127.0.0.1', port: Number(port), user: 'app' });
      client.on('error', () => undefined);
      const told = (await outcome(client.connect())) as Told;
      expect(told).toMatchObject({ code: '08001', severity: 'FATAL' });
      expect(told.message).toMatch(said);
      expect(told.hint).toMatch(hint);
    }
    await expect.poll(async () => (await proxy.metrics())['interlock_sessions']).toBe(0);
  } finally {
    await proxy.stop();
  }
});
