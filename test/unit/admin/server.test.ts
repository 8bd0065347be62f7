import { request, type IncomingHttpHeaders } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AdminServer, type AdminOptions } from '../../../src/admin/server.ts';
import { Findings, type FindingEntry } from '../../../src/admin/findings.ts';

function entry(rows: number): FindingEntry {
  return {
    time: '2026-01-01T00:00:00.000Z',
    listener: 'main',
    database: 'shop',
    application: 'app',
    pattern: 'split-delete',
    rule: 'a',
    mode: 'observe',
    decision: 'observed',
    fingerprint: 'f',
    table: 'cart',
    rows,
  };
}

async function admin(changed: Partial<AdminOptions> = {}) {
  const findings = new Findings(3);
  for (const rows of [1, 2, 3, 4]) findings.add(entry(rows));
  const server = new AdminServer({
    listen: { host: '127.0.0.1', port: 0 },
    token: undefined,
    findings,
    metrics: {
      contentType: 'text/plain; version=0.0.4',
      metrics: async () => 'a 1\n',
      getMetricsAsJSON: async () => [],
    },
    rules: () => [],
    ready: () => true,
    ...changed,
  });
  const { port } = await server.start();
  onTestFinished(() => server.stop());
  return (path: string, headers: Record<string, string> = {}, method = 'GET', until?: string) =>
    new Promise<{ status: number; body: string; headers: IncomingHttpHeaders }>((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path, headers, method }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk;
          if (until !== undefined && body.endsWith(until)) response.destroy();
        });
        response.on('close', () =>
          resolve({ status: response.statusCode ?? 0, body, headers: response.headers }),
        );
      });
      sent.on('error', reject).end();
    });
}

describe('routes', () => {
  test('health and metrics', async () => {
    const get = await admin();
    expect(await get('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
    expect(await get('/readyz?x=1')).toMatchObject({ status: 200 });
    expect(await get('/metrics')).toMatchObject({
      status: 200,
      body: 'a 1\n',
      headers: { 'content-type': 'text/plain; version=0.0.4' },
    });
  });
  test('the last findings, newest first', async () => {
    const get = await admin();
    const { body } = await get('/findings');
    expect((JSON.parse(body) as { findings: FindingEntry[] }).findings.map(({ rows }) => rows)).toEqual([
      4, 3, 2,
    ]);
  });
  test('the page and its files: nothing inline, nothing from elsewhere', async () => {
    const get = await admin();
    const { body, headers } = await get('/');
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'; script-src 'self'; style-src 'self';/,
      ),
    });
    expect(body).not.toMatch(/ style=|<style| on\w+=|<script(?![^>]* src=)|(?:src|href)="(?:https?:)?\/\//);
    for (const [, path = ''] of body.matchAll(/(?:src|href)="([^"#]+)"/g))
      expect((await get(`/${path}`)).status, path).toBe(200);
    for (const path of ['/dashboard.js', '/parts.js', '/plots.js', '/sql.js'])
      for (const [, name = ''] of (await get(path)).body.matchAll(/from '\.(\/[\w.]+)'/g))
        expect((await get(name)).headers['content-type']).toContain('text/javascript');
  });
  test('not ready while draining', async () => {
    const get = await admin({ ready: () => false });
    expect((await get('/readyz')).status).toBe(503);
    expect((await get('/healthz')).status).toBe(200);
  });
  test('nothing else, and nothing but GET', async () => {
    const get = await admin();
    expect((await get('/dashboard')).status).toBe(404);
    expect((await get('/../package.json')).status).toBe(404);
    expect(await get('/metrics', {}, 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });
  test('metrics that fail are an error of this request only', async () => {
    const get = await admin({
      metrics: {
        contentType: 'x',
        metrics: () => Promise.reject(new Error('no')),
        getMetricsAsJSON: () => Promise.reject(new Error('no')),
      },
    });
    expect((await get('/metrics')).status).toBe(500);
    expect((await get('/events')).status).toBe(500);
    expect((await get('/healthz')).status).toBe(200);
  });
});

describe('who may read', () => {
  test('with a token: only who has it; probes need none', async () => {
    const get = await admin({ token: 'a-token-of-twenty-one' });
    for (const path of ['/metrics', '/findings', '/events']) {
      expect((await get(path)).status).toBe(401);
      expect((await get(path, { authorization: 'Bearer a-token-of-twenty-on' })).status).toBe(401);
      const method = path === '/events' ? 'HEAD' : 'GET';
      expect((await get(path, { authorization: 'Bearer a-token-of-twenty-one' }, method)).status).toBe(200);
    }
    expect((await get('/readyz')).status).toBe(200);
    expect((await get('/')).body).toContain('<title>Interlock</title>');
  });
  test('without one: not under a name that a web page made point here', async () => {
    const get = await admin();
    expect((await get('/events', { host: 'evil.example:9187' })).status).toBe(401);
    expect((await get('/findings', { host: 'evil.example:9187' })).status).toBe(401);
    for (const host of ['localhost:9187', '127.0.0.1', '[::1]:9187'])
      expect((await get('/findings', { host })).status).toBe(200);
  });
  test('a page of another site is told nothing and takes no place', async () => {
    const get = await admin();
    const status = async (site: string) => (await get('/findings', { 'sec-fetch-site': site })).status;
    expect(await Promise.all(['none', 'same-origin', 'same-site', 'cross-site'].map(status))).toEqual([
      200, 200, 401, 401,
    ]);
  });
  test('an address that others reach is refused without a token', () => {
    expect(
      () => new AdminServer({ listen: { host: '0.0.0.0', port: 0 }, token: undefined } as AdminOptions),
    ).toThrow(/token/);
  });
});

test('many findings with long statements get to the page all the same: the last 50', async () => {
  const findings = new Findings(200);
  // More than a socket takes at once.
  const before = ['SELECT', 'DELETE'].map((word) => `${word} ${'x'.repeat(20_000)}`);
  for (let rows = 1; rows <= 200; rows++) findings.add({ ...entry(rows), before });
  const get = await admin({ findings });
  const { body } = await get('/events', {}, 'GET', '\n\n');
  const { findings: rows } = JSON.parse(body.split('data: ')[1] ?? '') as { findings: FindingEntry[] };
  expect([rows.length, rows[0]?.rows, rows.at(-1)?.rows]).toEqual([50, 200, 151]);
});

describe('the ring', () => {
  test('what came since somebody has been told', () => {
    const findings = new Findings(3);
    const rows = (since: number): number[] => findings.list(since).map((one) => one.rows);
    for (const each of [1, 2, 3, 4]) findings.add(entry(each));
    expect([rows(0), rows(3), rows(findings.total)]).toEqual([[4, 3, 2], [4], []]);
  });
  test('keeps the last ones, from empty to full and round', () => {
    const findings = new Findings(3);
    const seen: number[][] = [];
    for (const rows of [1, 2, 3, 4, 5, 6, 7]) {
      findings.add(entry(rows));
      seen.push(findings.list().map((one) => one.rows));
    }
    expect(seen).toEqual([[1], [2, 1], [3, 2, 1], [4, 3, 2], [5, 4, 3], [6, 5, 4], [7, 6, 5]]);
  });
  test('of size 0 keeps nothing', () => {
    const findings = new Findings(0);
    findings.add(entry(1));
    expect(findings.list()).toEqual([]);
  });
});
