/**
 * Two worker processes behind one address: each connection is one worker's, and what there is one of is added up, merged,
 * passed on or shared.
 */
import { once } from 'node:events';
import { connect as tcp, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { pointed, run, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, workerProcesses, type Proxy } from '../support/proxy.ts';
import { guardWaiting } from '../races/runner.ts';

let server: Postgres;
let proxy: Proxy;
let database: string;

beforeAll(async () => {
  server = await startPostgres({ version: 18 });
  database = await server.newDatabase();
  proxy = await startInterlock({
    server,
    config: `
listeners: [{ name: main, listen: "127.0.0.1:0", server: "${server.url}" }]
rules: { mode: rewrite }
limits: { connections: 5, connections_per_client: 4 }
workers: 2
`,
  });
});
beforeEach(async () => {
  await run(
    pointed(server.url, { database }),
    'DROP TABLE IF EXISTS book',
    'CREATE TABLE book (id serial PRIMARY KEY, isbn text)',
    `INSERT INTO book (isbn) VALUES ('a')`,
  );
  await until(async () => (await proxy.metrics()).interlock_sessions === 0);
});
afterAll(async () => {
  await proxy?.stop();
  await server?.stop();
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await condition()); await delay(10))
    if (Date.now() > deadline) throw new Error('it does not come about');
}

type Known = pg.Client & { processID: number; secretKey: number };

const open: Known[] = [];
afterEach(() => Promise.all(open.splice(0).map((client) => client.end())));

/** A socket that comes from another address. */
class From extends Socket {
  readonly #localAddress: string;

  constructor(localAddress: string) {
    super();
    this.#localAddress = localAddress;
  }

  override connect(...args: unknown[]): this {
    return super.connect({ port: Number(args[0]), host: '127.0.0.1', localAddress: this.#localAddress });
  }
}

async function connected(from?: string): Promise<Known> {
  const stream = from === undefined ? {} : { stream: () => new From(from) };
  const client = new pg.Client({ connectionString: proxy.urlFor(database), ...stream }) as Known;
  client.on('error', () => undefined);
  await client.connect();
  open.push(client);
  return client;
}

const count = (name: string) => async (): Promise<number> => (await proxy.metrics())[name] ?? Number.NaN;
const statements = count('interlock_statements_total');

async function begun(): Promise<Known> {
  const client = await connected();
  await client.query('BEGIN');
  await client.query(`SELECT id FROM book WHERE isbn = 'a'`);
  return client;
}

test('connections go to both, metrics are summed, findings merged, the port is one', async () => {
  const before = await statements();
  const clients = [await connected(), await connected()];
  expect(await count('interlock_sessions')()).toBe(2);
  for (const client of clients) {
    await client.query('BEGIN');
    const { rows } = await client.query(`SELECT id FROM book WHERE isbn = 'a'`);
    await client.query(`DELETE FROM book WHERE id IN (${(rows[0] as { id: number }).id})`);
    await client.query('ROLLBACK');
  }
  const metrics = await proxy.metrics();
  expect(metrics.interlock_workers).toBe(2);
  expect((metrics.interlock_statements_total ?? 0) - before).toBe(8);
  expect(
    metrics[
      'interlock_findings_total{pattern="split-delete",rule="generic/split-delete",decision="rewritten",reason=""}'
    ],
  ).toBe(2);
  await until(async () => proxy.findings().length === 2);
  expect(new Set(proxy.findings().map(({ worker }) => worker)).size).toBe(2);
  const { findings } = (await (await fetch(`http://127.0.0.1:${proxy.adminPort}/findings`)).json()) as {
    findings: unknown[];
  };
  expect(findings).toHaveLength(2);
  expect(proxy.logs().filter(({ msg }) => msg === 'listening')).toHaveLength(1);
});

test('a cancel request that comes to the other worker ends the wait for the guard', async () => {
  // In turn: the first is one worker's, the second and the third connection are the other's and the first's again.
  const first = await begun();
  await connected();
  const second = await begun();
  await first.query('DELETE FROM book WHERE id IN (1)');
  const waiting = second.query('DELETE FROM book WHERE id IN (1)').then(
    () => 'deleted',
    (error: { code: string }) => error.code,
  );
  await until(async () => (await guardWaiting([proxy])) > 0);
  // The next connection is the other worker's.
  const request = Buffer.alloc(16);
  [16, 80877102, second.processID, second.secretKey].forEach((value, at) =>
    request.writeInt32BE(value, at * 4),
  );
  const socket = tcp(proxy.port, '127.0.0.1');
  socket.end(request);
  await once(socket, 'close');
  expect(await waiting).toBe('57014');
  await first.query('ROLLBACK');
});

test('the limits of connections are those of both together', async () => {
  for (let i = 0; i < 4; i += 1) {
    await connected();
    await until(async () => (await count('interlock_sessions')()) === i + 1);
  }
  const full = { code: '53300', severity: 'FATAL' };
  const perClient = { ...full, hint: 'Close some, or raise limits.connections_per_client.' };
  await expect(connected()).rejects.toMatchObject(perClient);
  // Other systems have no 127.0.0.2.
  if (process.platform !== 'linux') return;
  await until(async () => (await count('interlock_sessions')()) === 4);
  await connected('127.0.0.2');
  await until(async () => (await count('interlock_sessions')()) === 5);
  const all = { ...full, hint: 'Close some, or raise limits.connections.' };
  await expect(connected('127.0.0.2')).rejects.toMatchObject(all);
});

test('a worker that is killed is replaced; the sessions of the other go on', async () => {
  const clients = [await connected(), await connected()];
  const [one] = workerProcesses(proxy.pid);
  expect(workerProcesses(proxy.pid)).toHaveLength(2);
  const gone = Promise.race(
    clients.map((client) => new Promise<Known>((resolve) => client.once('end', () => resolve(client)))),
  );
  process.kill(one ?? 0, 'SIGKILL');
  const lost = await gone;
  const [left] = clients.filter((client) => client !== lost);
  expect((await left?.query('SELECT 1 AS one'))?.rows).toEqual([{ one: 1 }]);
  await proxy.waitForLog(({ msg }) => msg === 'defect: a worker ended; another takes its place');
  await until(async () => {
    const metrics = await proxy.metrics();
    return metrics.interlock_workers === 2 && metrics.interlock_worker_restarts_total === 1;
  });
  await until(async () => workerProcesses(proxy.pid).length === 2);
  const more = [await connected(), await connected()];
  for (const client of more) expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('what cannot be listened on is an error, and no worker stays', async () => {
  const taken = await startInterlock({ server, mode: 'observe' });
  const config = `
listeners: [{ name: main, listen: "127.0.0.1:${taken.port}", server: "${server.url}" }]
workers: 2
`;
  await expect(startInterlock({ server, config })).rejects.toThrow('EADDRINUSE');
  await taken.stop();
});

test('SIGTERM drains both: idle sessions are told, the transaction ends first, nothing is left', async () => {
  const idle = await connected();
  const busy = await begun();
  const pids = workerProcesses(proxy.pid);
  const told = once(idle, 'error') as Promise<[{ code: string }]>;
  proxy.signal('SIGTERM');
  expect((await told)[0].code).toBe('57P01');
  await busy.query('COMMIT');
  expect(await proxy.ended).toBe(0);
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});
