/** Drivers of other languages as Debian packages them, with the tests of their source packages. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { upstreamSource } from '../../support/debian-sources.ts';
import { runTool, runWell, type RunOptions } from '../tool.ts';
import { fromGo, fromProve, fromPytest, type Outcomes } from './outcomes.ts';
import type { Suite, Target } from './suite.ts';

const limit = 900_000;

const installedVersion = async (name: string): Promise<string> =>
  (await runWell('dpkg-query', ['-W', '-f', '${Version}', name])).replace(/^\d+:/, '').replace(/-[^-]*$/, '');

/** All that a runner says; its exit status adds nothing to the outcomes, but silence is an error. */
async function said(
  parse: (text: string) => Outcomes,
  command: string,
  args: string[],
  options: RunOptions,
): Promise<Outcomes> {
  const { stdout, stderr, status } = await runTool(command, args, { limit, ...options });
  const outcomes = parse(stdout);
  if (outcomes.size === 0)
    throw new Error(
      `${command} ${args.join(' ')} ran nothing (${status}): ${stdout.slice(-500)}${stderr.slice(-500)}`,
    );
  return outcomes;
}

const libpqEnv = (target: Target): Record<string, string> => ({
  PGHOST: target.host,
  PGPORT: String(target.port),
  PGUSER: target.user,
  PGDATABASE: target.database,
  PGSSLMODE: 'disable',
});

const pytest = (folder: string, args: string[], env: Record<string, string>): Promise<Outcomes> =>
  said(
    fromPytest,
    '/usr/bin/python3',
    ['-m', 'pytest', '-rA', '--show-capture=no', '--tb=no', '-q', '-p', 'no:cacheprovider', ...args],
    { cwd: folder, env: { COLUMNS: '400', ...env } },
  );

const psycopg2: Suite = {
  name: 'psycopg2',
  server: { postgres: 18 },
  needs: ['psycopg2', 'pytest'],
  prepare: async (folder) => {
    const { folder: source, version } = await upstreamSource('psycopg2', ['bookworm', 'trixie', 'sid']);
    cpSync(join(source, 'tests'), join(folder, 'tests'), { recursive: true });
    return {
      driver: `psycopg2 ${await installedVersion('python3-psycopg2')}`,
      origin: `Debian source psycopg2 ${version}`,
      run: (target) =>
        pytest(folder, ['tests'], {
          ...libpqEnv(target),
          PSYCOPG2_TESTDB: target.database,
          PSYCOPG2_TESTDB_FAST: '1',
        }),
    };
  },
};

const asyncpg: Suite = {
  name: 'asyncpg',
  server: { postgres: 15 },
  needs: ['asyncpg', 'pytest'],
  prepare: async (folder) => {
    const { folder: source, version } = await upstreamSource('asyncpg', ['bookworm', 'trixie', 'sid']);
    cpSync(join(source, 'tests'), join(folder, 'tests'), { recursive: true });
    return {
      driver: `asyncpg ${await installedVersion('python3-asyncpg')}`,
      origin: `Debian source asyncpg ${version}`,
      run: (target) =>
        pytest(
          folder,
          ['tests', '--ignore=tests/test__sourcecode.py', '--continue-on-collection-errors'],
          libpqEnv(target),
        ),
    };
  },
};

const pymysql: Suite = {
  name: 'PyMySQL',
  server: { mysql: 'mariadb-10.11', settings: { local_infile: 'ON' } },
  needs: ['pymysql', 'pytest'],
  prepare: async (folder) => {
    const { folder: source, version } = await upstreamSource('python-pymysql', ['bookworm', 'trixie', 'sid']);
    cpSync(join(source, 'pymysql'), join(folder, 'pymysql'), { recursive: true });
    return {
      driver: `PyMySQL ${version}`,
      origin: `Debian source python-pymysql ${version}`,
      run: (target) => {
        const { host, port, user, password, database } = target;
        const first = { host, port, user, password, database, use_unicode: true, local_infile: true };
        writeFileSync(
          join(folder, 'pymysql', 'tests', 'databases.json'),
          JSON.stringify([first, { ...first, local_infile: false }]),
        );
        return pytest(folder, ['pymysql/tests'], {});
      },
    };
  },
};

const mysqldb: Suite = {
  name: 'mysqlclient (MySQLdb)',
  server: { mysql: 'mariadb-10.11', settings: { local_infile: 'ON' } },
  needs: ['mysqldb', 'pytest', 'mock'],
  prepare: async (folder) => {
    const { folder: source, version } = await upstreamSource('python-mysqldb', ['bookworm', 'trixie']);
    cpSync(join(source, 'tests'), join(folder, 'tests'), { recursive: true });
    return {
      driver: `mysqlclient ${await installedVersion('python3-mysqldb')}`,
      origin: `Debian source python-mysqldb ${version}`,
      run: ({ host, port, user, password, database }) => {
        const group = { host, port, user, password, database, 'default-character-set': 'utf8mb4' };
        const lines = Object.entries(group).map(([key, value]) => `${key} = ${value}`);
        writeFileSync(join(folder, 'tests', 'here.cnf'), `[MySQLdb-tests]\n${lines.join('\n')}\n`);
        return pytest(folder, ['tests'], { TESTDB: 'here.cnf' });
      },
    };
  },
};

interface GoPackage {
  name: string;
  path: string;
  source: string;
  suites: string[];
  needs: Suite['needs'];
  server: Suite['server'];
  packages: string[];
  env: (target: Target) => Record<string, string>;
}

/** In GOPATH mode: the driver's source in a tree of its own, what it needs from Debian's packages. */
const go = ({ name, path, source, suites, needs, server, packages, env }: GoPackage): Suite => ({
  name,
  server,
  needs: needs!,
  prepare: async (folder) => {
    const upstream = await upstreamSource(source, suites);
    const at = join(folder, 'src', path);
    cpSync(upstream.folder, at, { recursive: true });
    mkdirSync(join(folder, 'cache'), { recursive: true });
    return {
      driver: `${name} ${upstream.version}`,
      origin: `Debian source ${source} ${upstream.version}`,
      run: (target) =>
        said(fromGo, 'go', ['test', '-v', '-count=1', '-timeout=600s', ...packages], {
          cwd: at,
          env: {
            GO111MODULE: 'off',
            GOPATH: `${folder}:/usr/share/gocode`,
            GOCACHE: join(folder, 'cache'),
            GOFLAGS: '-vet=off',
            ...env(target),
          },
        }),
    };
  },
});

const goSuites = [
  go({
    name: 'lib/pq',
    path: 'github.com/lib/pq',
    source: 'golang-github-lib-pq',
    suites: ['bookworm'],
    needs: ['go', 'lib/pq'],
    server: { postgres: 18 },
    packages: ['.'],
    env: libpqEnv,
  }),
  go({
    name: 'pgx',
    path: 'github.com/jackc/pgx/v4',
    source: 'golang-github-jackc-pgx',
    suites: ['bookworm', 'trixie'],
    needs: ['go', 'pgx'],
    server: { postgres: 15 },
    packages: ['.', './pgxpool', './stdlib'],
    env: (target) => ({
      PGX_TEST_DATABASE: `host=${target.host} port=${target.port} user=${target.user} database=${target.database} sslmode=disable`,
    }),
  }),
  go({
    name: 'go-sql-driver/mysql',
    path: 'github.com/go-sql-driver/mysql',
    source: 'golang-github-go-sql-driver-mysql',
    suites: ['bookworm'],
    needs: ['go', 'go-sql-driver'],
    server: { mysql: 'mariadb-10.11', settings: { local_infile: 'ON' } },
    packages: ['.'],
    env: ({ host, port, user, password, database }) => ({
      MYSQL_TEST_USER: user,
      MYSQL_TEST_PASS: password,
      MYSQL_TEST_ADDR: `${host}:${port}`,
      MYSQL_TEST_DBNAME: database,
      MYSQL_TEST_CONCURRENT: '1',
    }),
  }),
];

const prove = (folder: string, flags: string[], env: Record<string, string>): Promise<Outcomes> =>
  said(fromProve, 'prove', ['-v', ...flags, 't'], { cwd: folder, env });

const dsnEnv = (dsn: string, { user, password }: Target): Record<string, string> => ({
  DBI_DSN: dsn,
  DBI_USER: user,
  DBI_PASS: password,
});

const perl = (
  name: string,
  source: string,
  needs: Suite['needs'],
  server: Suite['server'],
  dsn: (target: Target) => string,
): Suite => ({
  name,
  server,
  needs: needs!,
  prepare: async (folder) => {
    const upstream = await upstreamSource(source, ['bookworm', 'trixie', 'sid']);
    cpSync(join(upstream.folder, 't'), join(folder, 't'), { recursive: true });
    return {
      driver: `${name} ${await installedVersion(source)}`,
      origin: `Debian source ${source} ${upstream.version}`,
      run: (target) =>
        prove(folder, [], {
          ...dsnEnv(dsn(target), target),
          DBDPG_TEST_ALWAYS_ENV: '1',
          // Some of DBD::mysql's load t/lib.pl from the folder that they run in.
          PERL_USE_UNSAFE_INC: '1',
        }),
    };
  },
});

const perlSuites = [
  perl(
    'DBD::Pg',
    'libdbd-pg-perl',
    ['DBD::Pg'],
    { postgres: 18 },
    ({ host, port, database }) => `dbi:Pg:host=${host};port=${port};dbname=${database};sslmode=disable`,
  ),
  perl(
    'DBD::MariaDB',
    'libdbd-mariadb-perl',
    ['DBD::MariaDB'],
    { mysql: 'mariadb-10.11' },
    ({ host, port, database }) => `DBI:MariaDB:database=${database};host=${host};port=${port}`,
  ),
  perl(
    'DBD::mysql',
    'libdbd-mysql-perl',
    ['DBD::mysql'],
    { mysql: 'mariadb-10.11', settings: { local_infile: 'ON' } },
    ({ host, port, database }) => `DBI:mysql:database=${database};host=${host};port=${port}`,
  ),
];

export const otherSuites: readonly Suite[] = [
  psycopg2,
  asyncpg,
  pymysql,
  mysqldb,
  ...goSuites,
  ...perlSuites,
];
