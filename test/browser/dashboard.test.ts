/// <reference lib="dom" />
/**
 * The dashboard in a real browser: its numbers are those of /metrics, names that are markup stay text, nothing moves, and it
 * can be read and used with a keyboard, on a phone and in the dark.
 */
import pg from 'pg';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { pointed, run, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { contrastProblems, overflow, smallTargets, watchShifts } from './checks.ts';

const hostile = '<img src=x onerror=alert(1)>';
const secret = 'a-secret-4711';
const token = 'a-token-of-some-length';

let server: Postgres;
let database: string;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([startPostgres({ version: 18 }), launchChromium()]);
  database = await server.newDatabase();
  const tables = ['shop_line', 'outbox', hostile];
  await run(
    pointed(server.url, { database }),
    ...tables.flatMap((name) => [
      `CREATE TABLE "${name}" (id serial PRIMARY KEY, note text)`,
      `INSERT INTO "${name}" (note) VALUES ('${secret}'), ('${secret}'), ('other')`,
    ]),
  );
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

async function proxied(more = ''): Promise<Proxy> {
  const proxy = await startInterlock({
    server,
    config: `
listeners: [{ name: main, listen: "127.0.0.1:0", server: "${server.url}" }]
rules:
  packs: [generic]
  custom:
    - { id: watch, pattern: split-delete, mode: observe, evidence: true, match: { tables: [outbox] } }
    - { id: shop, pattern: split-delete, mode: rewrite, match: { tables: ["shop_*", "<*"] } }
${more}`,
  });
  open.push({ close: () => proxy.stop() });
  return proxy;
}

async function connected(proxy: Proxy): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: proxy.urlFor(database),
    application_name: '<script>alert(2)</script>',
  });
  client.on('error', () => undefined);
  await client.connect();
  open.push({ close: () => client.end().catch(() => undefined) });
  return client;
}

/** Three rewritten, two observed while a rival inserts, one refused for each. */
async function load(client: pg.Client): Promise<void> {
  const insert = `INSERT INTO outbox (note) VALUES ('${secret}')`;
  const rival = (): Promise<unknown> => run(pointed(server.url, { database }), insert);
  const splitDelete = async (table: string, between?: () => Promise<unknown>): Promise<void> => {
    await client.query('BEGIN');
    const { rows } = await client.query<{ id: number }>(`SELECT id FROM "${table}" WHERE note = '${secret}'`);
    await between?.();
    await client.query(`DELETE FROM "${table}" WHERE id IN (${rows.map(({ id }) => id).join(', ')})`);
    await client.query('ROLLBACK');
  };
  for (const table of ['shop_line', 'shop_line', hostile]) await splitDelete(table);
  for (const table of ['outbox', 'outbox']) await splitDelete(table, rival);
  await splitDelete('shop_line', () => client.query(insert));
}

interface Watched {
  page: Page;
  /** Console messages of warnings and errors, dialogs, requests to other places. */
  complaints: string[];
}

async function opened(proxy: Proxy, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext(options);
  open.push(context);
  const page = await context.newPage();
  const complaints: string[] = [];
  const origin = `http://127.0.0.1:${proxy.adminPort}`;
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) complaints.push(`request: ${request.url()}`);
  });
  await page.goto(`${origin}/`);
  return { page, complaints };
}

/** What the page shows: totals by name, and of each rule observed, rewritten, refused, failed. */
function numbers(page: Page): Promise<Record<string, number>> {
  return page.evaluate(() => {
    const read = (element: Element | null): number =>
      Number((element?.textContent ?? '').replaceAll(',', ''));
    const out: Record<string, number> = {};
    for (const element of document.querySelectorAll<HTMLElement>('[data-total]'))
      out[element.dataset.total ?? ''] = read(element);
    for (const body of document.querySelectorAll<HTMLElement>('tbody[data-rule]'))
      for (const cell of body.querySelectorAll<HTMLElement>('.number'))
        if (cell.textContent !== '–')
          out[`${body.dataset.rule} ${cell.dataset.label?.toLowerCase()}`] = read(cell);
    return out;
  });
}

const finding = (rule: string, decision: string, reason = ''): string =>
  `interlock_findings_total{pattern="split-delete",rule="${rule}",decision="${decision}",reason="${reason}"}`;

/** The same off /metrics. */
async function metrics(proxy: Proxy): Promise<Record<string, number>> {
  const all = await proxy.metrics();
  const outcome = (name: string): number => all[`interlock_statements_total{outcome="${name}"}`] ?? 0;
  return {
    sessions: all.interlock_sessions ?? 0,
    sessionsTotal: all.interlock_sessions_total ?? 0,
    forwarded: outcome('forwarded'),
    rewritten: outcome('rewritten'),
    refused: outcome('refused'),
    plans: all.interlock_plan_seconds_count ?? 0,
    'shop rewritten': all[finding('shop', 'rewritten')] ?? 0,
    'shop refused': all[finding('shop', 'refused', 'own-write')] ?? 0,
    'watch evidence': all.interlock_evidence_total ?? 0,
    'watch observed': all[finding('watch', 'observed')] ?? 0,
  };
}

/** The page follows every two seconds. */
async function agrees(page: Page, proxy: Proxy): Promise<Record<string, number>> {
  const wanted = await metrics(proxy);
  await expect.poll(() => numbers(page), { timeout: 20_000 }).toMatchObject(wanted);
  return wanted;
}

describe('one process', () => {
  test('live numbers, before and after, hostile names, the plots after a reload', async () => {
    const proxy = await proxied();
    const client = await connected(proxy);
    const { page, complaints } = await opened(proxy);
    await page.waitForSelector('#page:not([hidden])');
    await page.evaluate(watchShifts);
    await load(client);
    expect(await agrees(page, proxy)).toMatchObject({
      sessions: 1,
      rewritten: 3,
      refused: 1,
      'shop rewritten': 3,
      'shop refused': 1,
      'watch observed': 2,
      'watch evidence': 2,
    });
    await load(client);
    await agrees(page, proxy);
    expect(await page.evaluate(() => (globalThis as unknown as { shifts: string[] }).shifts)).toEqual([]);

    await page.getByRole('button', { name: 'Show 12 new' }).click();
    const items = page.locator('#finding-list > li');
    expect(await items.count()).toBe(12);
    for (const item of await items.all()) await item.locator('summary').click();
    const texts = await items.locator('pre').allTextContents();
    expect(texts).toContain('SELECT id FROM "shop_line" WHERE note = ?');
    expect(texts).toContain('DELETE FROM "shop_line" WHERE id IN (?, ...)');
    const rewritten =
      'DELETE FROM "shop_line" WHERE id IN (SELECT id FROM "shop_line" WHERE note = ? FOR UPDATE OF "shop_line")';
    expect(texts).toContain(rewritten);
    expect(texts.filter((text) => text.startsWith('DELETE FROM "outbox" WHERE id IN (SELECT'))).toHaveLength(
      4,
    );
    expect(texts).toContain(`SELECT id FROM "${hostile}" WHERE note = ?`);
    expect(await items.locator('mark').count()).toBeGreaterThan(0);
    expect(await page.content()).not.toContain(secret);
    const body = await (await fetch(`http://127.0.0.1:${proxy.adminPort}/findings`)).text();
    expect(body).toContain('outbox');
    expect(body).not.toContain(secret);

    await page.reload();
    const line = page.locator('#plots path').first();
    await line.waitFor({ state: 'attached' });
    // Drawn from what the process has kept: this page has heard one event.
    expect((await line.getAttribute('d'))?.match(/[ML]/g)?.length).toBeGreaterThan(1);
    expect(await page.locator('img, main script').count()).toBe(0);
    expect(await page.locator('#plots figure').count()).toBe(6);
    expect(complaints).toEqual([]);
    await proxy.stop();
    await page.waitForSelector('#status[data-state="lost"]');
  });
});

describe('looks', () => {
  let proxy: Proxy;
  beforeAll(async () => {
    proxy = await proxied();
    await load(await connected(proxy));
    // For all of these.
    shared.push(...open.splice(0));
  });
  const shared: typeof open = [];
  afterAll(async () => {
    for (const one of shared.toReversed()) await one.close();
  });

  test.each([
    ['light', { colorScheme: 'light', viewport: { width: 1280, height: 900 } }],
    ['dark', { colorScheme: 'dark', viewport: { width: 1280, height: 900 } }],
    [
      'phone',
      { colorScheme: 'light', viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
    ],
  ] as const)('%s: contrast, width, targets, keyboard', async (_, options) => {
    const { page, complaints } = await opened(proxy, options);
    await page.waitForSelector('#finding-list li');
    const focused = (): Promise<string> =>
      page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement ?? document.body);
        const seen = outlineStyle === 'solid' && Number.parseFloat(outlineWidth) >= 2;
        return `${document.activeElement?.tagName} ${seen ? 'seen' : 'not seen'}`;
      });
    const stops: string[] = [];
    for (let times = 0; times < 13; times++) {
      await page.keyboard.press('Tab');
      stops.push(await focused());
      if (stops.at(-1)?.startsWith('SUMMARY') === true) await page.keyboard.press('Enter');
    }
    // The skip link, four rules, six findings; then the browser's own.
    const expected = ['A', ...Array.from({ length: 10 }, () => 'SUMMARY')].map((name) => `${name} seen`);
    expect(stops.slice(0, 11)).toEqual(expected);
    expect(await page.locator('details[open]').count()).toBe(10);
    // What a finding holds is made behind the event that tells of its opening.
    await expect.poll(() => page.locator('#finding-list pre').count()).toBeGreaterThan(6);
    expect(await page.evaluate(contrastProblems)).toEqual([]);
    expect(await page.evaluate(overflow)).toEqual([]);
    expect(await page.evaluate(smallTargets)).toEqual([]);
    expect(complaints).toEqual([]);
  });
});

test('with a token: it is asked for, kept for the tab, and never in an address', async () => {
  const proxy = await startInterlock({
    server,
    config: `
listeners: [{ name: main, listen: "127.0.0.1:0", server: "${server.url}" }]
admin: { listen: "127.0.0.1:0", token: "${token}" }`,
  });
  open.push({ close: () => proxy.stop() });
  const { page } = await opened(proxy);
  const addresses: string[] = [];
  page.on('request', (request) => addresses.push(request.url()));
  const field = page.getByLabel(/^Token/);
  await field.fill('another-token-than-that');
  await page.keyboard.press('Enter');
  await page.getByText('That is not the token.').waitFor();
  await field.fill(token);
  await page.getByRole('button', { name: 'Show' }).click();
  await page.waitForSelector('#page:not([hidden])');
  await page.reload();
  await page.waitForSelector('#page:not([hidden])');
  expect(addresses.filter((address) => address.includes(token))).toEqual([]);
  const other = await opened(proxy);
  await other.page.getByLabel(/^Token/).waitFor();
});

test('with several workers the page sums as /metrics does', async () => {
  const proxy = await proxied('workers: 2');
  const clients = [await connected(proxy), await connected(proxy)];
  for (const client of clients) await load(client);
  const { page } = await opened(proxy);
  await page.waitForSelector('#finding-list li');
  expect(await agrees(page, proxy)).toMatchObject({ sessions: 2, 'shop rewritten': 6 });
  expect(await page.locator('#finding-list > li').count()).toBe(12);
});
