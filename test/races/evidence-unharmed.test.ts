/**
 * A look that fails, whatever for: the app's transaction goes on as if nothing had been asked, and nothing of the look stays
 * in it. After some failures in a row looks rest.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { availableVersions, pointed, run, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { asked, evidenceConfig } from './evidence.ts';
import { FindingReader } from './findings.ts';

const settings = [
  'transaction_read_only',
  'statement_timeout',
  'lock_timeout',
  'transaction_isolation',
  'search_path',
];

describe.each(availableVersions([18]))('PostgreSQL %i', (version) => {
  let server: Postgres;
  let owner: string;
  let proxy: Proxy;
  let hasty: Proxy;
  beforeAll(async () => {
    server = await startPostgres({ version });
    const database = await server.newDatabase();
    owner = pointed(server.url, { database });
    await run(owner, 'DROP ROLE IF EXISTS app', 'CREATE ROLE app LOGIN');
    const url = pointed(owner, { user: 'app' });
    proxy = await startInterlock({ server: url, config: evidenceConfig(url) });
    hasty = await startInterlock({
      server: url,
      config: evidenceConfig(url, 'limits: {evidence_timeout: 20ms}\nbreaker: {failures: 2}'),
    });
  });
  afterAll(async () => {
    await Promise.all([proxy?.stop(), hasty?.stop()]);
    await server?.stop();
  });
  beforeEach(() =>
    run(
      owner,
      'DROP TABLE IF EXISTS link, item, kind',
      'CREATE TABLE kind (id int PRIMARY KEY, hot bool NOT NULL)',
      'CREATE TABLE item (id serial PRIMARY KEY, kind_id int NOT NULL REFERENCES kind)',
      'CREATE TABLE link (item_id int NOT NULL REFERENCES item)',
      'INSERT INTO kind VALUES (1, true), (2, false)',
      'INSERT INTO item VALUES (1, 1), (2, 1), (3, 2)',
      'GRANT ALL ON kind, item, link TO app',
      'GRANT ALL ON SEQUENCE item_id_seq TO app',
    ),
  );

  async function session(through: Proxy): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: through.url });
    await client.connect();
    return client;
  }

  const state = async (client: pg.Client): Promise<unknown[]> => {
    const shown: unknown[] = [];
    for (const name of settings) shown.push((await client.query(`SHOW ${name}`)).rows);
    return shown;
  };

  const read = 'SELECT item.id FROM item INNER JOIN kind ON kind.id = item.kind_id WHERE kind.hot';

  /** The transaction around the DELETE: what it says, and what it leaves. */
  async function around(client: pg.Client, question: string, between: () => Promise<unknown>): Promise<void> {
    await client.query('BEGIN');
    await client.query("SET LOCAL statement_timeout = '30s'");
    await client.query('INSERT INTO item (id, kind_id) VALUES (10, 2)');
    await client.query('SAVEPOINT mine');
    const before = await state(client);
    await client.query(question);
    await between();
    expect((await client.query('DELETE FROM item WHERE id IN (1, 2)')).rowCount).toBe(2);
    expect(await state(client)).toEqual(before);
    await client.query('INSERT INTO item (id, kind_id) VALUES (11, 2)');
    await client.query('ROLLBACK TO mine');
    await client.query('DELETE FROM item WHERE id = 2');
    await client.query('COMMIT');
    expect((await run(owner, 'SELECT id FROM item ORDER BY id'))[0]?.rows).toEqual([
      { id: 1 },
      { id: 3 },
      { id: 10 },
    ]);
  }

  test('answered', async () => {
    const findings = new FindingReader(proxy);
    const client = await session(proxy);
    await around(client, read, () => Promise.resolve());
    await client.end();
    expect(asked(await findings.next(1))).toEqual(['observed asked']);
  });

  test('the right to read a joined table was taken away', async () => {
    const findings = new FindingReader(proxy);
    const client = await session(proxy);
    await around(client, read, () => run(owner, 'REVOKE SELECT ON kind FROM app'));
    await client.end();
    expect(asked(await findings.next(1))).toEqual(['observed look-failed']);
  });

  test('out of time, and then at rest', async () => {
    await run(
      owner,
      'DROP TABLE IF EXISTS big',
      'CREATE TABLE big AS SELECT n FROM generate_series(1, 1500) n',
      'GRANT ALL ON big TO app',
    );
    const slow = `${read} AND EXISTS (SELECT 1 FROM big a, big b WHERE a.n + b.n = 3000)`;
    const findings = new FindingReader(hasty);
    const client = await session(hasty);
    for (let round = 0; round < 3; round += 1) {
      await around(client, slow, () => Promise.resolve());
      await run(owner, 'TRUNCATE item CASCADE', 'INSERT INTO item VALUES (1, 1), (2, 1), (3, 2)');
    }
    await client.end();
    expect(asked(await findings.next(3))).toEqual([
      'observed look-failed',
      'observed look-failed',
      'observed breaker',
    ]);
  });

  test('a table is locked against reading: the look waits for nobody', async () => {
    const findings = new FindingReader(proxy);
    const client = await session(proxy);
    const rival = new pg.Client({ connectionString: owner });
    await rival.connect();
    // ROLLBACK TO gives the SELECT's own lock back, so that another session can have it.
    await client.query('BEGIN');
    await client.query('SAVEPOINT mine');
    await client.query(read);
    await client.query('ROLLBACK TO mine');
    await rival.query('BEGIN');
    await rival.query('LOCK TABLE kind IN ACCESS EXCLUSIVE MODE');
    expect((await client.query('DELETE FROM item WHERE id IN (1, 2)')).rowCount).toBe(2);
    await rival.query('ROLLBACK');
    await client.query('COMMIT');
    await Promise.all([client.end(), rival.end()]);
    expect(asked(await findings.next(1))).toEqual(['observed look-failed']);
  });

  describe('cancelled while a look is on its way', () => {
    let patient: Proxy;
    beforeAll(async () => {
      const url = pointed(owner, { user: 'app' });
      patient = await startInterlock({
        server: url,
        config: evidenceConfig(url, 'limits: {evidence_timeout: 30s}'),
      });
      await run(
        owner,
        'DROP TABLE IF EXISTS huge',
        'CREATE TABLE huge AS SELECT n FROM generate_series(1, 4000) n',
        'GRANT ALL ON huge TO app',
      );
    });
    afterAll(() => patient?.stop());

    /** As psql does on Ctrl-C: through the proxy. */
    async function cancel(client: pg.Client): Promise<void> {
      const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
      const request = Buffer.alloc(16);
      [16, 80877102, processID, secretKey].forEach((value, at) => request.writeInt32BE(value, 4 * at));
      const socket = connect(patient.port, '127.0.0.1');
      socket.end(request);
      await once(socket, 'close');
    }

    /** Until the server is at work on the look with that text. */
    async function looking(text: string): Promise<void> {
      const question = `SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE '/* interlock:watch */ SELECT ${text}%'`;
      const deadline = Date.now() + 20_000;
      while ((await run(owner, question))[0]?.rowCount !== 1)
        if (Date.now() > deadline) throw new Error('there is no such look');
    }

    // No sub-query: then there would be no look behind.
    const slow = `SELECT item.id FROM item INNER JOIN kind ON kind.id = item.kind_id
      LEFT JOIN (huge a INNER JOIN huge b ON a.n + b.n = 9999) ON true WHERE kind.hot`;

    test.each([
      { look: 'in front', text: 'pg_catalog.concat', outcome: '57014', decision: 'passed-on', left: 4 },
      { look: 'behind', text: 'pg_catalog.count', outcome: 2, decision: 'observed', left: 2 },
    ])('the look $look', async ({ text, outcome, decision, left }) => {
      const findings = new FindingReader(patient);
      const client = await session(patient);
      await client.query('BEGIN');
      await client.query(slow);
      // A row is missed: with none there would be nothing to join, and the look behind over at once.
      await run(owner, 'INSERT INTO item VALUES (4, 1)');
      await client.query('SAVEPOINT mine');
      const deleting = client
        .query('DELETE FROM item WHERE id IN (1, 2)')
        .then(({ rowCount }) => rowCount)
        .catch(({ code }: { code: string }) => code);
      await looking(text);
      await cancel(client);
      expect(await deleting).toBe(outcome);
      if (outcome === '57014') await client.query('ROLLBACK TO mine');
      await client.query('COMMIT');
      await client.end();
      expect((await run(owner, 'SELECT FROM item'))[0]?.rowCount).toBe(left);
      expect(await findings.next(1)).toMatchObject([{ decision }]);
    });
  });

  test('the DELETE itself fails: its own error, and a transaction that can go on', async () => {
    await run(owner, 'INSERT INTO link VALUES (1)');
    const play = async (url: string): Promise<unknown[]> => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query('BEGIN');
      await client.query('SAVEPOINT mine');
      await client.query(read);
      const error = await client.query('DELETE FROM item WHERE id IN (1, 2)').catch((one: unknown) => one);
      const dead = await client.query('SELECT 1').catch((one: unknown) => one);
      await client.query('ROLLBACK TO mine');
      const { rows } = await client.query('SELECT count(*) FROM item');
      await client.query('COMMIT');
      await client.end();
      return [error, dead, rows].map((one) => JSON.stringify(one));
    };
    const findings = new FindingReader(proxy);
    const direct = await play(pointed(owner, { user: 'app' }));
    expect(direct[0]).toContain('23503');
    expect(await play(proxy.url)).toEqual(direct);
    expect(await findings.next(1)).toMatchObject([{ decision: 'observed', code: '23503' }]);
  });
});
