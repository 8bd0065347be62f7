/** Log-ins are relayed, never terminated: every method works, and a failure tells what the server tells. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableVersions, pointed, run, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';

interface ServerError {
  code: string;
  severity: string;
  message: string;
}

async function failure(url: string): Promise<ServerError> {
  try {
    await run(url, 'SELECT 1');
  } catch (error) {
    const { code, severity, message } = error as ServerError;
    return { code, severity, message };
  }
  throw new Error('the log-in succeeded');
}

function withPassword(url: string, password: string): string {
  const parts = new URL(url);
  parts.password = password;
  return parts.href;
}

describe.each(availableVersions([15, 18]))('PostgreSQL %i', (version) => {
  describe.each([undefined, 'password', 'md5', 'scram-sha-256'] as const)('%s', (auth) => {
    let server: Postgres;
    let proxy: Proxy;
    let url: string;
    beforeAll(async () => {
      server = await startPostgres({ version, ...(auth === undefined ? {} : { auth }) });
      proxy = await startInterlock({ server, mode: 'rewrite', tables: ['*'] });
      url = pointed(server.appUrl, { port: proxy.port });
    });
    afterAll(async () => {
      await proxy?.stop();
      await server?.stop();
    });

    test('a log-in, and who it is', async () => {
      const [result] = await run(url, 'SELECT current_user AS name');
      expect(result!.rows).toEqual([{ name: auth === undefined ? 'postgres' : 'app' }]);
    });

    test('ten at once', async () => {
      const clients = Array.from({ length: 10 }, () => new pg.Client({ connectionString: url }));
      await Promise.all(clients.map((client) => client.connect()));
      const answers = await Promise.all(clients.map((client, i) => client.query('SELECT $1::int AS n', [i])));
      expect(answers.map((a) => a.rows[0].n)).toEqual(clients.map((_, i) => i));
      await Promise.all(clients.map((client) => client.end()));
    });

    if (auth !== undefined) {
      test('a wrong password is told as by the server, and the next log-in works', async () => {
        const direct = await failure(withPassword(server.appUrl, 'wrong'));
        expect(direct.code).toBe('28P01');
        expect(await failure(withPassword(url, 'wrong'))).toEqual(direct);
        await run(url, 'SELECT 1');
      });
    }

    test('a role that does not exist is told as by the server', async () => {
      const stranger = (base: string): string => pointed(withPassword(base, 'x'), { user: 'stranger' });
      expect(await failure(stranger(url))).toEqual(await failure(stranger(server.appUrl)));
    });
  });
});
