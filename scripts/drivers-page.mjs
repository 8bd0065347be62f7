/** docs/drivers.md: what `npm run suites` has found, from test/clients/suites/results.json, and what else is run. */

const counted = ({ passed, failed, skipped }) => `${passed} · ${failed} · ${skipped}`;

/** Sessions that were no longer looked at, by reason. */
function raw(sessions) {
  const all = Object.entries(sessions).map(([why, count]) => `${count} (${why})`);
  return all.length === 0 ? '0' : all.join(', ');
}

function row(result) {
  const {
    suite,
    driver,
    server,
    origin,
    direct,
    proxied,
    different,
    unsteady,
    inspected,
    sessions,
    rawRelay,
  } = result;
  const others = Object.keys(different).length;
  const through = others === 0 ? 'the same' : `${counted(proxied)}, ${others} others`;
  const cells = [
    suite,
    driver,
    server,
    origin,
    counted(direct),
    through,
    unsteady.length,
    inspected,
    sessions,
    raw(rawRelay),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** @param results the parsed results.json @param note first line of a generated page */
export function driversPage(results, note) {
  const dates = Object.values(results)
    .map(({ date }) => date)
    .sort();
  return `${note}
# Drivers

Interlock is meant to be transparent to every driver. What that rests on:

## Suites that others wrote

\`npm run suites [-- NAME]\` runs a driver's own tests twice, each time against a new server and database: directly, and through Interlock in
mode rewrite with every table named. The tests come from Debian's source packages or an npm tarball, the driver from a Debian package or npm.
The only difference that stayed led to a change: Connector/J's AutoReconnectTest (an idle connection that MariaDB resets after wait_timeout).
A test that came out differently is run again both ways; one that then differs otherwise, or not at all, is unsteady. Tests that fail directly
as well do so for their own reasons (mostly another version of driver or server than they expect, or TLS, which these servers do not
have); \`test/clients/suites/results.json\` names each. Statements inspected and sessions are Interlock's own counts of the second run.

| suite | driver | server | tests from | directly: passed · failed · skipped | through Interlock | unsteady | statements inspected | sessions | of them in raw relay |
|---|---|---|---|---|---|---|---|---|---|
${Object.values(results).map(row).join('\n')}

Measured ${dates[0]}${dates.at(-1) === dates[0] ? '' : ` to ${dates.at(-1)}`}, Node 20, on Debian 12. \`npm run suites\` writes this table anew.

Not to be had: the npm tarballs of postgres (postgres.js; 1.0 to 3.0) and mariadb (0.7 to 3.5) hold no tests, and Debian's mirror had the
source tarballs of psycopg3, ruby-pg, ruby-mysql2 and pgjdbc in no suite (404). Those drivers run as programs of our own: postgres.js in
the table above, the others below. mysql2's tests are those of 0.15, the last tarball that has them.

## Programs of our own

In \`npm test\` (\`test/clients/\`), directly and through Interlock with the same output, racy sequences rewritten: node-postgres, psycopg2,
psycopg 3, asyncpg, PDO and ext/pgsql, ruby-pg, DBD::Pg; mysql2, mariadb-connector-nodejs, PyMySQL, MySQLdb. With \`npm run test:long\` also
pgjdbc, lib/pq and pgx, SQLAlchemy.

Tools: psql (a session of everything, \`\\copy\`, Ctrl-C), pgbench in all modes and with \`-C\`, pg_dump, pg_restore \`-j\`, pg_receivewal and
logical replication, mariadb with LOAD DATA LOCAL, mariadb-dump, mariadb-binlog, sysbench.
`;
}
