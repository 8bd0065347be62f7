import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadFlags } from '../../../src/config/flags.ts';
import { loadFile, loadText, type Config } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/config/problem.ts';

const minimal = `listeners:
  - name: main
    listen: 127.0.0.1:6432
    server: postgres://db:5432
`;

/** The problems of a text, one a line. */
function problems(text: string, environment: Record<string, string> = {}): string[] {
  try {
    loadText('f.yaml', text, environment);
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map(({ where, message }) => `${where}: ${message}`);
    throw error;
  }
  return [];
}
const load = (text: string, environment: Record<string, string> = {}): Config =>
  loadText('f.yaml', text, environment);

describe('a minimal file', () => {
  test('has the generic pack, which observes, and every default', () => {
    const config = load(minimal);
    expect(config.listeners).toEqual([
      {
        name: 'main',
        protocol: 'postgres',
        listen: { host: '127.0.0.1', port: 6432 },
        server: { host: 'db', port: 5432 },
        tls: undefined,
        serverTls: {
          mode: 'prefer',
          files: {},
          verify: false,
          serverName: undefined,
          negotiation: 'postgres',
        },
      },
    ]);
    expect(config.rules.map(({ id, mode }) => [id, mode])).toEqual([
      ['generic/split-delete', 'observe'],
      ['generic/unlocked-read', 'observe'],
    ]);
    expect(config.admin).toBeUndefined();
    expect(config.proxyLimits).toEqual({
      connections: 1000,
      connectionsPerClient: undefined,
      loginTimeout: 60_000,
      connectTimeout: 10_000,
      idleTimeout: undefined,
      keepAlive: 60_000,
      drainTimeout: 30_000,
    });
    expect(config.sessionLimits.messageBytes).toBe(1024 ** 3);
    expect(config.log.level).toBe('info');
  });

  test('settings of rules have their defaults', () => {
    expect(load(minimal).rules[0]?.settings).toMatchObject({ window: 1000, guard: 'try', guard_wait: 2000 });
  });
});

describe('problems', () => {
  test('all at once, each at its place', () => {
    const text = `listeners:
  - name: main
    listen: nonsense
    server: http://db
    tls: true
rules:
  packs: [djungo]
  mode: rewrit
limits:
  connections: 0
  login_timeout: 1h
  inspect_bytes: 1MB
wrokers: 2
`;
    expect(problems(text)).toEqual([
      'f.yaml:3:13: listeners[0].listen: write host:port, for example 127.0.0.1:6432 or [::1]:6432',
      'f.yaml:4:13: listeners[0].server: the URL has to begin with postgres://, postgresql://, mysql:// or mariadb://',
      'f.yaml:5:10: listeners[0].tls: expected object',
      'f.yaml:8:9: rules.mode: expected one of off, observe, rewrite',
      'f.yaml:10:16: limits.connections: write a number above 0',
      'f.yaml:11:18: limits.login_timeout: write a duration like 500ms, 1s or 2m',
      'f.yaml:12:18: limits.inspect_bytes: write a size like 4096, 64KiB, 1MiB or 1GiB',
      'f.yaml:13:1: unknown key "wrokers"; allowed: listeners, rules, limits, breaker, learn, admin, log, workers',
    ]);
  });

  test.each([
    [
      'postgres://user:secret@db/shop?sslmode=disable',
      { protocol: 'postgres', server: { host: 'db', port: 5432 } },
    ],
    ['mysql://app:secret@db/shop', { protocol: 'mysql', server: { host: 'db', port: 3306 } }],
    ['mariadb://[::1]:3307', { protocol: 'mysql', server: { host: '::1', port: 3307 } }],
  ])("server %s: scheme, host and port count, the log-in is the client's", (url, expected) => {
    expect(load(minimal.replace('postgres://db:5432', url)).listeners[0]).toMatchObject(expected);
  });

  test('what is missing is said at the place where it should be', () => {
    expect(problems('listeners:\n  - name: main\n    listen: 127.0.0.1:1\n')).toEqual([
      'f.yaml:2:5: listeners[0].server: is missing',
    ]);
    expect(problems('')).toEqual(['f.yaml:1:1: listeners: is missing']);
    expect(problems('listeners: []\n')).toEqual(['f.yaml:1:12: listeners: at least one listener is needed']);
  });

  test('broken YAML, duplicate keys, a wrong kind of value', () => {
    expect(problems('listeners: [\n')[0]).toMatch(/^f\.yaml:\d+:\d+: /);
    expect(problems(`${minimal}workers: 1\nworkers: 1\n`)[0]).toMatch(
      /^f\.yaml:6:1: Map keys must be unique/,
    );
    expect(problems('- a\n')).toEqual(['f.yaml:1:1: expected object']);
    expect(problems(`${minimal}limits: 3\n`)).toEqual(['f.yaml:5:9: limits: expected object']);
    expect(problems(`${minimal}limits: {drain_timeout: [1]}\n`)).toEqual([
      'f.yaml:5:25: limits.drain_timeout: expected number or string',
    ]);
  });

  test.each([
    [
      'postgres://db?sslmode=allow',
      /"sslmode" in the URL: expected one of disable, prefer, require, verify-ca/,
    ],
    ['postgres://db?ssl-mode=REQUIRED', /unknown parameter "ssl-mode" in the URL; allowed: sslmode, /],
    ['postgres://u:secret@db?application_name=x', /unknown parameter "application_name"/],
    ['postgres://db?sslmode=verify-ca', /verify-ca needs ca/],
    ['postgres://db?sslnegotiation=direct', /direct needs mode require/],
    ['postgres://db?sslmode=require&sslrootcert=/no/such', /\/no\/such: cannot be read: ENOENT/],
    ['mysql://db?ssl-mode=REQUIRE', /"ssl-mode" in the URL: expected one of/],
    ['http://db', /begin with postgres/],
    ['db:5432', /begin with postgres/],
    ['/var/run', /write a URL/],
  ])('server %s is refused', (url, message) => {
    const found = problems(minimal.replace('postgres://db:5432', url));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
    expect(found[0]).not.toContain('secret');
  });

  test.each([
    ['postgres://db', 'db', 5432],
    ['postgresql://10.0.0.1:6000/', '10.0.0.1', 6000],
    ['postgres://[::1]:5433', '::1', 5433],
  ])('server %s is accepted', (url, host, port) => {
    expect(load(minimal.replace('postgres://db:5432', url)).listeners[0]?.server).toEqual({ host, port });
  });

  test('listeners may share neither name nor address; port 0 is no address', () => {
    const two = (listen: string) =>
      `listeners:\n- {name: a, listen: '${listen}', server: 'postgres://x'}\n- {name: a, listen: '${listen}', server: 'postgres://x'}\n`;
    expect(problems(two('[::1]:7'))).toEqual([
      'f.yaml:3:10: two listeners are called "a"',
      'f.yaml:3:21: two listeners listen on [::1]:7',
    ]);
    expect(problems(two('[::1]:0'))).toHaveLength(1);
  });

  test('an admin port that others reach needs a token, and a token is not shown', () => {
    expect(problems(`${minimal}admin: {listen: '0.0.0.0:9187'}\n`)[0]).toMatch(
      /^f\.yaml:5:17: .*needs admin\.token/,
    );
    expect(problems(`${minimal}admin: {listen: '0.0.0.0:9187', token: 'sixteen-letters!'}\n`)).toEqual([]);
    const short = problems(`${minimal}admin: {listen: '127.0.0.1:1', token: 'short'}\n`);
    expect(short[0]).toMatch(/at least 16 characters/);
    expect(short.join()).not.toContain('short');
  });

  test('workers are a number of processes, or auto', () => {
    expect(problems(`${minimal}workers: 0\n`)[0]).toMatch(/^f\.yaml:5:10: workers: /);
    expect(problems(`${minimal}workers: many\n`)[0]).toMatch(/^f\.yaml:5:10: workers: /);
  });

  test('a file that cannot be read', () => {
    expect(() => loadFile('/nowhere/x.yaml', {})).toThrow(/^\/nowhere\/x\.yaml: cannot be read: ENOENT$/);
  });
});

describe('environment', () => {
  const host = minimal.replace('db:5432', '${DB_HOST:-localhost}:${DB_PORT:-5432}');

  test('variables and defaults; an empty variable takes the default', () => {
    expect(load(host, { DB_HOST: 'h', DB_PORT: '1' }).listeners[0]?.server).toEqual({ host: 'h', port: 1 });
    expect(load(host, { DB_HOST: '' }).listeners[0]?.server).toEqual({ host: 'localhost', port: 5432 });
  });
  test('an unquoted number is one', () => {
    const limit = (value: string) => `${minimal}limits:\n  connections: ${value}\n`;
    expect(load(limit('${N}'), { N: '7' }).proxyLimits.connections).toBe(7);
    expect(problems(limit('"${N}"'), { N: '7' })).toEqual([
      'f.yaml:6:16: limits.connections: expected number',
    ]);
  });
  test('a variable cannot bring structure in', () => {
    const packs = (value: string) => problems(`${minimal}rules:\n  packs:\n    - \${P}\n`, { P: value });
    expect(packs('[django]')).toEqual([
      expect.stringMatching(/^f\.yaml:7:7: unknown rule pack "\[django\]"/),
    ]);
    expect(packs('a\n    - b')).toEqual([expect.stringMatching(/unknown rule pack "a\n {4}- b"/)]);
  });
  test('a missing variable, a wrong name', () => {
    const found = problems(`${minimal}log:\n  level: \${LEVEL}\nworkers: \${1}\n`);
    expect(found).toContain(
      'f.yaml:6:10: the environment has no variable LEVEL; a default is written ${LEVEL:-default}',
    );
    expect(found).toContain('f.yaml:7:10: ${1} is not a variable: write ${NAME} or ${NAME:-default}');
  });
  test('two dollar signs are one', () => {
    const text = `${minimal}rules: {tables: ['a$$b', '$\${x}', 'c$d']}\n`;
    expect(load(text, {}).ruleSet.forSession(who).ruleFor('split-delete', { name: 'a$b' })?.tablesNamed).toBe(
      true,
    );
    expect(
      load(text, {}).ruleSet.forSession(who).ruleFor('split-delete', { name: '${x}' })?.tablesNamed,
    ).toBe(true);
    expect(load(text, {}).ruleSet.forSession(who).ruleFor('split-delete', { name: 'c$d' })?.tablesNamed).toBe(
      true,
    );
  });
});

const who = { listener: 'main', user: 'u', database: 'd', application: 'a' };

describe('rules', () => {
  test('own rules first, then packs as named, general ones last', () => {
    const config = load(`${minimal}rules:
  packs: [generic, django]
  custom:
    - {id: mine, pattern: split-delete, mode: rewrite, match: {tables: [cart]}}
`);
    expect(config.rules.map(({ id, tablesNamed }) => [id, tablesNamed])).toEqual([
      ['mine', true],
      ['django/split-delete', false],
      ['django/unlocked-read', false],
      ['generic/split-delete', false],
      ['generic/unlocked-read', false],
    ]);
  });

  test('problems in rules name pattern, settings and keys', () => {
    const rule = (text: string) =>
      problems(`${minimal}rules:\n  custom:\n    - {id: a, mode: off, ${text}}\n`);
    expect(rule('pattern: split')).toEqual([
      'f.yaml:7:35: rules.custom[0].pattern: expected one of split-delete, unlocked-read-after-unique-violation, anticipate',
    ]);
    expect(rule('pattern: split-delete, settings: {when: always}')[0]).toMatch(
      /^f\.yaml:7:60: rules\.custom\[0\]\.settings: unknown key "when"; allowed: select_list, statements_between, window, guard, /,
    );
    expect(rule('pattern: split-delete, match: {table: [a]}')[0]).toMatch(
      /unknown key "table"; allowed: listeners, databases, .*tables/,
    );
    expect(rule('pattern: split-delete, settings: {guard: never}')[0]).toMatch(
      /guard: expected one of try, wait, none/,
    );
    expect(rule('pattern: split-delete, match: {tables: []}')[0]).toMatch(/tables: name at least one/);
    expect(rule('x: 1')).toEqual([expect.stringMatching(/pattern: expected one of/)]);
  });

  test('mode overrides every rule; rewrite is consent for all tables', () => {
    const rewrite = load(`${minimal}rules: {packs: [django, generic], mode: rewrite}\n`);
    expect(rewrite.rules.every((rule) => rule.mode === 'rewrite' && rule.tablesNamed)).toBe(true);
    const observe = load(`${minimal}rules: {packs: [django], mode: observe}\n`);
    expect(observe.rules.every((rule) => rule.mode === 'observe' && !rule.tablesNamed)).toBe(true);
  });

  test('an id is taken once', () => {
    const found = problems(
      `${minimal}rules:\n  custom:\n    - {id: generic/split-delete, mode: off, pattern: split-delete}\n`,
    );
    expect(found).toEqual([
      'rules/generic.yaml:11:9: rule id "generic/split-delete" is taken by f.yaml:7:12',
    ]);
  });

  test('a pack of the user: relative to the config, its problems in its own places', () => {
    const folder = mkdtempSync(join(tmpdir(), 'interlock-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const pack = (rules: string) =>
      writeFileSync(join(folder, 'own.yaml'), `pack: own\ndescription: x\nrules:\n${rules}`);
    const file = join(folder, 'f.yaml');
    writeFileSync(file, `${minimal}rules: {packs: [./own.yaml]}\n`);
    pack('  - {id: own/a, pattern: split-delete, mode: rewrite, match: {tables: [cart]}}\n');
    expect(loadFile(file, {}).rules).toMatchObject([{ id: 'own/a', tablesNamed: true }]);
    pack('  - {id: own/a, pattern: split-delete, mode: rewite}\n');
    expect(() => loadFile(file, {})).toThrow(
      './own.yaml:4:46: rules[0].mode: expected one of off, observe, rewrite',
    );
  });

  test('a pack for the sessions of one application', () => {
    const text = (packs: string) => `${minimal}rules:\n  packs: [${packs}]\n`;
    const config = load(text("{pack: rails, match: {databases: [shop], users: ['app*']}}, {pack: django}"));
    const ruleOf = (database: string, user: string) =>
      config.ruleSet.forSession({ ...who, database, user }).ruleFor('split-delete', { name: 't' })?.id;
    expect([ruleOf('shop', 'app1'), ruleOf('shop', 'x'), ruleOf('blog', 'app1')]).toEqual([
      'rails/split-delete',
      'django/split-delete',
      'django/split-delete',
    ]);
    expect(config.warnings).toEqual([]);
    expect(problems(text('{pack: rails, match: {tables: [t]}}'))).toEqual([
      expect.stringMatching(/^f\.yaml:6:33: rules\.packs\[0\]\.match: unknown key "tables"; allowed: /),
    ]);
    expect(problems(text('{pack: rials}'))).toEqual([
      expect.stringMatching(/^f\.yaml:6:11: unknown rule pack "rials"/),
    ]);
    expect(problems(text('7'))).toEqual(['f.yaml:6:11: rules.packs[0]: expected string or object']);
  });

  test('packs that do not exist', () => {
    expect(problems(`${minimal}rules: {packs: [nope, ./nope.yaml, ../rules/generic]}\n`)).toEqual([
      'f.yaml:5:17: unknown rule pack "nope"; available: django, generic, hibernate, laravel, prisma, rails, sequelize, sqlalchemy, typeorm, or a path with a slash',
      'f.yaml:5:23: cannot read ./nope.yaml: ENOENT',
      'f.yaml:5:36: cannot read ../rules/generic: ENOENT',
    ]);
  });
});

test('a socket as the server needs its protocol said, and a protocol has to be the URL’s', () => {
  const listener = (server: string, more = '') =>
    `listeners:\n- {name: a, listen: 'unix:/run/a', server: '${server}'${more}}\n`;
  expect(problems(listener('unix:/run/m.sock'))).toEqual([
    'f.yaml:2:44: a socket does not tell its protocol: write postgres:///?host=… or mysql:///?socket=…',
  ]);
  expect(load(listener('unix:/run/m.sock', ', protocol: mysql')).listeners[0]).toMatchObject({
    protocol: 'mysql',
    server: { path: '/run/m.sock' },
    listen: { path: '/run/a', mode: 0o777 },
  });
  expect(problems(listener('postgres://db', ', protocol: mysql'))[0]).toMatch(/one of postgres$/);
  expect(
    problems("listeners:\n- {name: a, listen: {path: /run/a, mode: 0660}, server: 'postgres://x'}\n"),
  ).toEqual(['f.yaml:2:42: listeners[0].listen.mode: expected string']);
  expect(problems("listeners:\n- {name: a, listen: '::1:5', server: 'postgres://x'}\n")[0]).toMatch(
    /write host:port/,
  );
});

describe('flags', () => {
  test('the short form', () => {
    const config = loadFlags(
      {
        server: 'postgres://db',
        listen: '127.0.0.1:0',
        rules: 'generic,django',
        tables: ['shop_*,cart', 'x'],
        admin: '127.0.0.1:0',
        workers: 'auto',
      },
      '.',
    );
    expect(config.workers).toBe('auto');
    expect(config.listeners[0]).toMatchObject({ name: 'default', listen: { port: 0 } });
    expect(config.rules.map(({ id }) => id)).toContain('django/split-delete');
    const rules = config.ruleSet.forSession(who);
    expect(rules.ruleFor('split-delete', { name: 'shop_cart' })).toMatchObject({
      id: 'django/split-delete',
      tablesNamed: true,
    });
    expect(rules.ruleFor('split-delete', { name: 'other' })).toMatchObject({
      id: 'django/split-delete',
      tablesNamed: false,
    });
    expect(config.admin?.listen.port).toBe(0);
  });

  test('problems name the flag', () => {
    const flags = {
      server: 'http://db',
      listen: 'x',
      rules: 'nope',
      mode: 'on',
      workers: 'many',
      'log-level': 'loud',
    };
    try {
      loadFlags(flags, '.');
      expect.unreachable();
    } catch (error) {
      expect((error as ConfigError).problems.map(({ where }) => where)).toEqual([
        '--listen',
        '--server',
        '--mode',
        '--log-level',
        '--workers',
      ]);
    }
    expect(() => loadFlags({ server: 'postgres://db', rules: 'nope' }, '.')).toThrow(
      /^--rules: unknown rule pack/,
    );
  });
});

describe('the example', () => {
  const file = fileURLToPath(new URL('../../../config.example.yaml', import.meta.url));
  test('loads with an empty environment', () => {
    expect(loadFile(file, {}).listeners).toHaveLength(1);
  });
  test('shows every limit at its default', () => {
    const example = loadFile(file, {});
    const bare = load(minimal);
    expect(example.sessionLimits).toEqual(bare.sessionLimits);
    expect(example.proxyLimits).toEqual(bare.proxyLimits);
    expect(example.factsLifetime).toBe(bare.factsLifetime);
    expect(Object.keys(example.proxyLimits).length + Object.keys(example.sessionLimits).length + 2).toBe(
      readFileSync(file, 'utf8')
        .match(/^limits:\n((?: {2}.*\n)+)/m)?.[1]
        ?.trimEnd()
        .split('\n').length,
    );
  });
  test('its commented lines are valid as well', () => {
    const text = readFileSync(file, 'utf8')
      .replace(/^ {4}# - id: cart-cleanup\n[\s\S]*?\n\n/m, (block) => block.replaceAll(/^ {4}# /gm, '    '))
      .replaceAll(/^( *)# (?=(?:mode|tables|token|connections_per_client|idle_timeout): )/gm, '$1');
    expect(text).toMatch(/^ {4}- id: cart-cleanup/m);
    const config = loadText(file, text, { INTERLOCK_ADMIN_TOKEN: 'a-token-of-twenty-one' });
    expect(config.rules.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['cart-cleanup', 'shop/cart-anticipate']),
    );
    expect(config.proxyLimits).toMatchObject({ connectionsPerClient: 100, idleTimeout: 600_000 });
    expect(config.admin?.token).toBe('a-token-of-twenty-one');
  });
});
