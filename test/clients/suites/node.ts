/** JavaScript drivers: the driver from npm, its tests from Debian's source package or from an npm tarball that still has them. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NotFetched } from '../../support/debian-packages.ts';
import { upstreamSource } from '../../support/debian-sources.ts';
import { runTool, runWell, type Run } from '../tool.ts';
import { fromMocha, note, type Outcomes } from './outcomes.ts';
import type { Suite, Target } from './suite.ts';

async function install(folder: string, ...packages: string[]): Promise<void> {
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock', '--prefer-offline'];
  const { status, stderr } = await runTool('npm', ['install', '--prefix', folder, ...flags, ...packages]);
  if (status !== 0) throw new NotFetched(`npm install ${packages.join(' ')}: ${stderr.split('\n')[0]}`);
}

/** A tarball of npm, unpacked. */
async function tarball(folder: string, name: string): Promise<string> {
  const { status, stdout, stderr } = await runTool('npm', ['pack', '--silent', name], { cwd: folder });
  if (status !== 0) throw new NotFetched(`npm pack ${name}: ${stderr.split('\n')[0]}`);
  await runWell('tar', ['-xzf', stdout.trim(), '-C', folder], { cwd: folder });
  return join(folder, 'package');
}

const versionIn = (folder: string): string =>
  (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;

const url = ({ user, host, port, database }: Target): string =>
  `postgres://${user}@${host}:${port}/${database}`;

const postgresEnv = (target: Target): Record<string, string> => ({
  PGHOST: target.host,
  PGPORT: String(target.port),
  PGUSER: target.user,
  PGDATABASE: target.database,
  PGPASSWORD: target.password,
  PGTESTNOSSL: 'true',
});

const mysqlEnv = (target: Target): Record<string, string> => ({
  MYSQL_HOST: target.host,
  MYSQL_PORT: String(target.port),
  MYSQL_USER: target.user,
  MYSQL_PASSWORD: target.password,
  MYSQL_DATABASE: target.database,
  CI: 'true',
});

/** One process a file; a file is one test, told by its exit status, besides what it prints of its parts. */
async function eachFile(
  folder: string,
  files: RegExp,
  args: string[],
  env: Record<string, string>,
): Promise<Outcomes> {
  const outcomes: Outcomes = new Map();
  const tests = join(folder, 'test', 'integration');
  const names = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter((name) => files.test(name));
  for (const name of names.toSorted()) {
    const said = await runTool(process.execPath, [join(tests, name), ...args], {
      env,
      cwd: folder,
      limit: 60_000,
    });
    note(
      outcomes,
      name,
      /^skipping - /m.test(said.stdout) ? 'skipped' : said.status === 0 ? 'passed' : 'failed',
    );
    for (const [, part] of said.stdout.matchAll(/^\s+(\S.*) ✔/gm))
      note(outcomes, `${name}: ${part}`, 'passed');
  }
  return outcomes;
}

async function mocha(work: string, folder: string, env: Record<string, string>): Promise<Outcomes> {
  const program = join(work, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const args = [program, '--exit', '--timeout', '20000', '--reporter', 'json', 'test/*.js'];
  const said: Run = await runTool(process.execPath, args, { env, cwd: folder, limit: 300_000 });
  if (!said.stdout.includes('"stats"')) throw new Error(`mocha in ${folder} said nothing: ${said.stderr}`);
  return fromMocha(said.stdout);
}

const nodePostgres = (name: 'pg' | 'pg-pool' | 'pg-cursor'): Suite => ({
  name: `node-postgres: ${name}`,
  server: { postgres: 18 },
  prepare: async (folder) => {
    const { folder: source, version } = await upstreamSource('node-postgres', ['trixie', 'sid', 'bookworm']);
    const of = (part: string): string => versionIn(join(source, 'packages', part));
    const helpers = [
      'async@2.6.4',
      'bluebird@3.7.2',
      'co@4.6.0',
      'pg-copy-streams@0.3.0',
      'mocha@10',
      'expect.js@0.3.1',
      'lodash@4',
    ];
    await install(
      folder,
      `pg@${of('pg')}`,
      `pg-pool@${of('pg-pool')}`,
      `pg-cursor@${of('pg-cursor')}`,
      ...helpers,
    );
    const driver = join(folder, 'node_modules', name);
    for (const part of ['test', 'script'].filter((p) => existsSync(join(source, 'packages', name, p))))
      cpSync(join(source, 'packages', name, part), join(driver, part), { recursive: true, force: true });
    return {
      driver: `${name} ${of(name)}`,
      origin: `Debian source node-postgres ${version}`,
      run: async (target) => {
        if (name !== 'pg') return mocha(folder, driver, postgresEnv(target));
        await runWell(process.execPath, [join(driver, 'script', 'create-test-tables.js'), url(target)]);
        return eachFile(driver, /-tests\.js$/, [url(target)], postgresEnv(target));
      },
    };
  },
});

const mysqljs: Suite = {
  name: 'mysql (mysqljs)',
  server: { mysql: 'mariadb-10.11' },
  prepare: async (folder) => {
    const { folder: source, version } = await upstreamSource('node-mysql', ['bookworm', 'trixie']);
    const driver = versionIn(source);
    const helpers = ['after@0.8.2', 'seedrandom@3.0.5', 'timezone-mock@0.0.7', 'utest@0.0.8'];
    await install(folder, `mysql@${driver}`, ...helpers);
    const at = join(folder, 'node_modules', 'mysql');
    cpSync(join(source, 'test'), join(at, 'test'), { recursive: true });
    return {
      driver: `mysql ${driver}`,
      origin: `Debian source node-mysql ${version}`,
      run: (target) => eachFile(at, /(^|\/)test-[^/]*\.js$/, [], mysqlEnv(target)),
    };
  },
};

/** The last tarball of mysql2 with tests in it, run on the driver of today: the tests call it through test/common.js. */
const mysql2: Suite = {
  name: 'mysql2',
  server: { mysql: 'mysql-9.7' },
  prepare: async (folder) => {
    const source = await tarball(folder, 'mysql2@0.15.8');
    const work = join(folder, 'work');
    mkdirSync(work);
    await install(work, 'mysql2@^3', 'assert-diff@1', 'utest@0.0.8', 'sqlstring@2');
    const at = join(work, 'node_modules', 'mysql2');
    cpSync(join(source, 'test'), join(at, 'test'), { recursive: true });
    // test/common.js asks for it; the driver has it from a package now.
    writeFileSync(join(at, 'lib', 'sql_string.js'), "module.exports = require('sqlstring');\n");
    return {
      driver: `mysql2 ${versionIn(at)}`,
      origin: 'npm mysql2@0.15.8, tests only',
      run: (target) => eachFile(at, /(^|\/)test-[^/]*\.js$/, [], mysqlEnv(target)),
    };
  },
};

/** No tarball of postgres.js has its tests, so this is a program of our own. What a part says is part of its name. */
const postgresJs: Suite = {
  name: 'postgres.js',
  server: { postgres: 18 },
  prepare: async (folder) => {
    await install(folder, 'postgres@^3');
    const program = fileURLToPath(new URL('../programs/postgres_js.mjs', import.meta.url));
    return {
      driver: `postgres ${versionIn(join(folder, 'node_modules', 'postgres'))}`,
      origin: 'a program of our own',
      run: async (target) => {
        const said = await runWell(process.execPath, [program, url(target), folder], { limit: 120_000 });
        const outcomes: Outcomes = new Map();
        for (const line of said.trim().split('\n'))
          note(outcomes, line, line.includes(': FAILED ') ? 'failed' : 'passed');
        return outcomes;
      },
    };
  },
};

export const nodeSuites = [
  postgresJs,
  nodePostgres('pg'),
  nodePostgres('pg-pool'),
  nodePostgres('pg-cursor'),
  mysqljs,
  mysql2,
];
