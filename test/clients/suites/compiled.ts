/**
 * Suites that have to be compiled first: what PostgreSQL's source brings of its own for psql and libpq (pg_regress,
 * isolationtester, libpq_pipeline), and Connector/J's tests.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, publish, runner } from '../../../src/demo/engine-files.ts';
import { upstreamSource } from '../../support/debian-sources.ts';
import { runTool, runWell } from '../tool.ts';
import { fromConnectorJ, fromRegress, note, type Outcomes } from './outcomes.ts';
import type { Prepared, Suite, Target } from './suite.ts';

const limit = 1_500_000;

interface Built {
  folder: string;
  version: string;
}
let built: Promise<Built> | undefined;

/** Configured and made once a machine, in the cache: psql and libpq of exactly the server's version, and the test programs. */
async function build(): Promise<Built> {
  const { folder: source, version } = await upstreamSource('postgresql-15', ['bookworm']);
  const folder = join(cacheFolder(runner()), `built-postgresql-${version}`);
  if (existsSync(folder)) return { folder, version };
  const draft = `${folder}.${process.pid}`;
  try {
    cpSync(source, draft, { recursive: true });
    const options = { cwd: draft, limit };
    await runWell('./configure', ['--without-readline', '--without-zlib'], options);
    await runWell('make', ['-s', '-C', 'src/backend', 'generated-headers'], options);
    for (const part of ['port', 'common', 'interfaces/libpq', 'fe_utils', 'bin/psql'])
      await runWell('make', ['-s', '-C', `src/${part}`], options);
    for (const part of ['regress', 'isolation', 'modules/libpq_pipeline'])
      await runWell('make', ['-s', '-C', `src/test/${part}`], options);
    publish(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return { folder, version };
}

/** The programs are linked against the libpq beside them. */
const programEnv = ({ folder }: Built): Record<string, string> => ({
  LD_LIBRARY_PATH: join(folder, 'src/interfaces/libpq'),
});

const server: Suite['server'] = { postgres: 15 };
const ofPostgres = (
  name: string,
  driver: string,
  run: (built: Built, folder: string, target: Target) => Promise<Outcomes>,
): Suite => ({
  name,
  server,
  needs: ['cc'],
  prepare: async (folder): Promise<Prepared> => {
    built ??= build();
    const made = await built;
    return {
      driver: `${driver} ${made.version}`,
      origin: `Debian source postgresql-15 ${made.version}`,
      run: (target) => run(made, folder, target),
    };
  },
});

/** One of the two that compare what is said with what is expected. The server reads and writes files there too. */
async function regress(
  made: Built,
  folder: string,
  { host, port, user }: Target,
  [part, program, schedule]: [string, string, string],
): Promise<Outcomes> {
  const from = join(made.folder, 'src/test', part);
  const output = join(folder, 'output');
  rmSync(output, { recursive: true, force: true });
  for (const made of [output, join(output, 'results')]) {
    mkdirSync(made, { recursive: true });
    chmodSync(made, 0o777);
  }
  const args = [
    `--inputdir=${from}`,
    `--outputdir=${output}`,
    `--bindir=${join(made.folder, 'src/bin/psql')}`,
    `--dlpath=${join(made.folder, 'src/test/regress')}`,
    `--schedule=${join(from, schedule)}`,
    `--host=${host}`,
    `--port=${port}`,
    `--user=${user}`,
    '--max-concurrent-tests=20',
  ];
  const { stdout, stderr } = await runTool(join(from, program), args, {
    cwd: from,
    limit,
    env: programEnv(made),
  });
  const outcomes = fromRegress(stdout);
  if (outcomes.size === 0)
    throw new Error(`${program} ran nothing: ${stdout.slice(-500)}${stderr.slice(-500)}`);
  return outcomes;
}

/** As its t/001_libpq_pipeline.pl does: each test, and the trace of the wire beside the one expected. */
async function pipelines(made: Built, folder: string, { host, port, user }: Target): Promise<Outcomes> {
  const at = join(made.folder, 'src/test/modules/libpq_pipeline');
  const program = join(at, 'libpq_pipeline');
  const outcomes: Outcomes = new Map();
  const options = { cwd: folder, limit: 120_000, env: programEnv(made) };
  const expected = new Set(readdirSync(join(at, 'traces')));
  for (const test of (await runWell(program, ['tests'], options)).split(/\s+/).filter(Boolean)) {
    const trace = join(folder, `${test}.trace`);
    const conninfo = `host=${host} port=${port} user=${user} dbname=postgres sslmode=disable`;
    const traced = expected.has(`${test}.trace`);
    const args = ['-r', '700', ...(traced ? ['-t', trace] : []), test, conninfo];
    const { status } = await runTool(program, args, options);
    note(outcomes, test, status === 0 ? 'passed' : 'failed');
    if (!traced) continue;
    const same = readFileSync(trace, 'utf8') === readFileSync(join(at, 'traces', `${test}.trace`), 'utf8');
    note(outcomes, `${test} trace match`, same ? 'passed' : 'failed');
  }
  return outcomes;
}

const classPath = ['mariadb-java-client', 'junit4', 'hamcrest', 'jna', 'jna-platform', 'slf4j-api'].map(
  (name) => `/usr/share/java/${name}.jar`,
);

const connectorJ: Suite = {
  name: 'MariaDB Connector/J',
  server: { mysql: 'mariadb-10.11', settings: { local_infile: 'ON' } },
  needs: ['java', 'Connector/J', 'junit4', 'jna'],
  prepare: async (folder) => {
    const { folder: source, version } = await upstreamSource('mariadb-connector-java', [
      'bookworm',
      'trixie',
    ]);
    const tests = join(source, 'src/test/java');
    const files = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.java'),
    );
    const classes = join(folder, 'classes');
    const compiler = ['-nowarn', '-encoding', 'UTF-8', '-d', classes, '-cp', classPath.join(':')];
    await runWell('javac', [...compiler, ...files.map((name) => join(tests, name))], { limit });
    cpSync(join(source, 'src/test/resources'), classes, { recursive: true });
    // Those of failover/ want several servers, and skip themselves.
    const names = files
      .filter((name) => name.endsWith('Test.java') && !/failover|BaseTest/.test(name))
      .map((name) => name.slice(0, -'.java'.length).replaceAll('/', '.'));
    return {
      driver: `MariaDB Connector/J ${version}`,
      origin: `Debian source mariadb-connector-java ${version}`,
      run: async ({ host, port, user, password, database }) => {
        const url = `jdbc:mariadb://${host}:${port}/${database}?user=${user}&password=${password}`;
        const args = [
          `-DdbUrl=${url}`,
          '-cp',
          [classes, ...classPath].join(':'),
          'org.junit.runner.JUnitCore',
        ];
        const env = { TEST_DB_HOST: host, TEST_DB_PORT: String(port), TEST_DB_USER: user };
        const { stdout } = await runTool('java', [...args, ...names.toSorted()], { cwd: folder, limit, env });
        const outcomes = fromConnectorJ(stdout);
        if (outcomes.size === 0) throw new Error(`JUnit ran nothing: ${stdout.slice(-500)}`);
        return outcomes;
      },
    };
  },
};

export const compiledSuites: readonly Suite[] = [
  ofPostgres('libpq pipelines', 'libpq', pipelines),
  ofPostgres('PostgreSQL regress', 'psql', (made, folder, target) =>
    regress(made, folder, target, ['regress', 'pg_regress', 'parallel_schedule']),
  ),
  ofPostgres('PostgreSQL isolation', 'libpq', (made, folder, target) =>
    regress(made, folder, target, ['isolation', 'pg_isolation_regress', 'isolation_schedule']),
  ),
  connectorJ,
];
