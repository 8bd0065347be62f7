import { fileURLToPath } from 'node:url';

/** What is run over each leg. `args` go to pgbench. */

const selectOnly = (protocol, clients) => ({
  name: `select-only ${protocol}, ${clients}`,
  protocol,
  clients,
  args: ['-S'],
});

/** A transaction as Django sends it, written after test/streams/captures, on pgbench's tables. */
const orm = { protocol: 'simple', args: ['-f', fileURLToPath(new URL('orm.sql', import.meta.url))] };

export const workloads = [
  ...['simple', 'extended', 'prepared'].flatMap((protocol) =>
    [1, 8, 32].map((clients) => selectOnly(protocol, clients)),
  ),
  { name: 'TPC-B simple, 8', protocol: 'simple', clients: 8, args: [] },
  { name: 'TPC-B prepared, 8', protocol: 'prepared', clients: 8, args: [] },
  { name: 'ORM-like, 8', clients: 8, ...orm },
  selectOnly('prepared', 200),
  { name: 'connect + select, 8', protocol: 'simple', clients: 8, args: ['-S', '-C'] },
];
