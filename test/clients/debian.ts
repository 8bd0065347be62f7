/**
 * Programs and Python drivers from Debian that the tests of this folder run. They are installed on first need, which takes
 * root; a test whose program cannot be had is left out loudly, and fails in CI.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const python = '/usr/bin/python3';

const pythonModule = (name: string): (() => boolean) => {
  return () => existsSync(python) && spawnSync(python, ['-c', `import ${name}`]).status === 0;
};

interface Need {
  package: string;
  present(): boolean;
}

/** Debian's wrapper in /usr/bin needs a cluster for some programs; the client package also has the plain binaries. */
const program = (name: string): (() => boolean) => {
  return () => spawnSync(name, ['--version']).status === 0;
};

const succeeds = (command: string, ...args: string[]): (() => boolean) => {
  return () => spawnSync(command, args).status === 0;
};
const phpExtension = (name: string): (() => boolean) =>
  succeeds('php', '-r', `exit(extension_loaded('${name}') ? 0 : 1);`);
const rubyGem = (name: string): (() => boolean) => succeeds('/usr/bin/ruby', '-r', name, '-e', '0');
const perlModule = (name: string): (() => boolean) => succeeds('/usr/bin/perl', `-M${name}`, '-e', '0');
const file = (path: string): (() => boolean) => {
  return () => existsSync(path);
};
const goPackages = '/usr/share/gocode/src/github.com';

const needs = {
  psql: { package: 'postgresql-client', present: program('psql') },
  pg_dump: { package: 'postgresql-client', present: program('pg_dump') },
  pgbench: { package: 'postgresql-contrib', present: program('pgbench') },
  psycopg2: { package: 'python3-psycopg2', present: pythonModule('psycopg2') },
  psycopg: { package: 'python3-psycopg', present: pythonModule('psycopg') },
  asyncpg: { package: 'python3-asyncpg', present: pythonModule('asyncpg') },
  mariadb: { package: 'mariadb-client', present: program('mariadb') },
  'mariadb-dump': { package: 'mariadb-client', present: program('mariadb-dump') },
  sysbench: { package: 'sysbench', present: program('sysbench') },
  pymysql: { package: 'python3-pymysql', present: pythonModule('pymysql') },
  mysqldb: { package: 'python3-mysqldb', present: pythonModule('MySQLdb') },
  sqlalchemy: { package: 'python3-sqlalchemy', present: pythonModule('sqlalchemy') },
  django: { package: 'python3-django', present: pythonModule('django') },
  mock: { package: 'python3-mock', present: pythonModule('mock') },
  pytest: { package: 'python3-pytest', present: pythonModule('pytest') },
  php: { package: 'php-cli', present: program('php') },
  'PDO, pgsql': { package: 'php-pgsql', present: phpExtension('pdo_pgsql') },
  'PDO, mysqli': { package: 'php-mysql', present: phpExtension('mysqli') },
  'ruby-pg': { package: 'ruby-pg', present: rubyGem('pg') },
  'ruby-mysql2': { package: 'ruby-mysql2', present: rubyGem('mysql2') },
  'DBD::Pg': { package: 'libdbd-pg-perl', present: perlModule('DBD::Pg') },
  'DBD::MariaDB': { package: 'libdbd-mariadb-perl', present: perlModule('DBD::MariaDB') },
  'DBD::mysql': { package: 'libdbd-mysql-perl', present: perlModule('DBD::mysql') },
  java: { package: 'default-jdk-headless', present: program('javac') },
  pgjdbc: { package: 'libpostgresql-jdbc-java', present: file('/usr/share/java/postgresql.jar') },
  'Connector/J': { package: 'libmariadb-java', present: file('/usr/share/java/mariadb-java-client.jar') },
  junit4: { package: 'junit4', present: file('/usr/share/java/junit4.jar') },
  jna: { package: 'libjna-platform-java', present: file('/usr/share/java/jna-platform.jar') },
  cc: { package: 'build-essential', present: () => program('cc')() && program('make')() },
  go: { package: 'golang-go', present: file('/usr/bin/go') },
  'lib/pq': { package: 'golang-github-lib-pq-dev', present: file(`${goPackages}/lib/pq`) },
  pgx: { package: 'golang-github-jackc-pgx-v4-dev', present: file(`${goPackages}/jackc/pgx/v4`) },
  'go-sql-driver': {
    package: 'golang-github-go-sql-driver-mysql-dev',
    present: file(`${goPackages}/go-sql-driver/mysql`),
  },
} satisfies Record<string, Need>;

export type Tool = keyof typeof needs;

/**
 * True when the tool can be run, installed by this call if need be. False is announced on standard error; in CI (CI=true)
 * it is an error instead.
 */
export function have(tool: Tool): boolean {
  const need: Need = needs[tool];
  if (need.present()) return true;
  const why = install(need.package) ?? (need.present() ? undefined : `${need.package} does not bring it`);
  if (why === undefined) return true;
  const complaint = `NOT TESTED: ${tool} is missing and could not be installed (${why})`;
  if (process.env.CI === 'true') throw new Error(complaint);
  process.stderr.write(`\n*** ${complaint}\n\n`);
  return false;
}

/** Undefined, or why it did not work. */
function install(name: string): string | undefined {
  if (process.getuid?.() !== 0) return `only root can: apt-get install ${name}`;
  process.stderr.write(`Installing ${name} for the tests …\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', name]]) {
    const { status, stderr, error } = spawnSync('apt-get', args, { env, encoding: 'utf8' });
    if (status !== 0) return error?.message ?? `apt-get ${args[0]}: ${stderr.trim().split('\n').at(-1)}`;
  }
  return undefined;
}
