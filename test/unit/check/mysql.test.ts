/** The matrix of `check --connect` for MySQL and MariaDB, and how it is shown. What it says is proved in test/same and test/clients. */
import { describe, expect, test } from 'vitest';
import { isolationFacts } from '../../../src/check/mysql.ts';
import { mysqlCells, type MysqlLegs } from '../../../src/check/mysql-cells.ts';
import { failed, render, type Leg, type Report } from '../../../src/check/report.ts';
import { parseVersion } from '../../../src/wire/mysql/version.ts';

const legs = (clients: readonly Leg[], server: Leg, more: Partial<MysqlLegs> = {}): MysqlLegs => ({
  clients,
  server,
  version: parseVersion('9.7.0'),
  sameCertificate: undefined,
  ...more,
});
const cell = (given: MysqlLegs, login: RegExp) => {
  const found = mysqlCells(given).filter((one) => login.test(one.login));
  expect(found).toHaveLength(1);
  return found[0]!;
};
const all: readonly Leg[] = ['plain', 'TLS', 'socket'];

describe('cells', () => {
  test('challenges pass everywhere', () => {
    for (const client of all)
      for (const server of all) {
        expect(cell(legs([client], server), /from the cache/).result).toBe('works');
        const mariadb = legs([client], server, { version: parseVersion('11.8.2-MariaDB') });
        expect(cell(mariadb, /ed25519/).result).toBe('works');
      }
  });

  test.each([
    ['plain', 'plain', undefined],
    ['TLS', 'TLS', undefined],
    ['socket', 'TLS', undefined],
    ['TLS', 'socket', undefined],
    ['plain', 'TLS', /Interlock's RSA key/],
    ['plain', 'socket', /Interlock's RSA key/],
    ['TLS', 'plain', /server_tls\.mode to require/],
    ['socket', 'plain', /server_tls\.mode to require/],
  ] as const)('full authentication, %s to %s', (client, server, note) => {
    const { result, note: said } = cell(legs([client], server), /in full/);
    expect(result).toBe('works');
    if (note === undefined) expect(said).toBeUndefined();
    else expect(said).toMatch(note);
  });

  test('passwords as they are do not leave a protected leg for a plain one', () => {
    for (const client of all)
      for (const server of all) {
        const { result, note } = cell(legs([client], server), /clear_password/);
        const refused = client !== 'plain' && server === 'plain';
        expect(result).toBe(refused ? 'depends' : 'works');
        expect(note === undefined).toBe(!refused);
      }
  });

  test.each([
    ['11.8.2-MariaDB', 'TLS', true, 'works'],
    ['11.8.2-MariaDB', 'TLS', false, 'depends'],
    ['11.8.2-MariaDB', 'TLS', undefined, 'depends'],
    ['10.11.2-MariaDB', 'TLS', true, 'depends'],
    ['9.7.0', 'TLS', true, 'depends'],
    ['11.8.2-MariaDB', 'plain', true, 'depends'],
    ['11.8.2-MariaDB', 'socket', undefined, 'works'],
  ] as const)('clients that verify: %s, %s, same certificate %s', (text, client, sameCertificate, result) => {
    const given = legs([client], 'TLS', { version: parseVersion(text), sameCertificate });
    const found = cell(given, /11\.4/);
    expect(found.result).toBe(result);
    if (result === 'depends') expect(found.note).toMatch(/--ssl-ca|--skip-ssl/);
  });

  test('one row for each way in', () => {
    const rows = mysqlCells(legs(['plain', 'TLS'], 'TLS'));
    expect(new Set(rows.map(({ client }) => client))).toEqual(new Set(['plain', 'TLS']));
    expect(new Set(rows.map(({ client, login }) => `${client} ${login}`)).size).toBe(rows.length);
  });
});

describe('isolation', () => {
  const said = (variables: Parameters<typeof isolationFacts>[0], mariadb: boolean): string =>
    isolationFacts(variables, mariadb).flat().join('\n');
  test('says where split deletes are left alone', () => {
    expect(said({ tx_isolation: 'REPEATABLE-READ', innodb_snapshot_isolation: 'ON' }, true)).toMatch(
      /not rewritten there/,
    );
    expect(said({ tx_isolation: 'REPEATABLE-READ', innodb_snapshot_isolation: 'OFF' }, true)).not.toMatch(
      /not rewritten/,
    );
    expect(said({ transaction_isolation: 'SERIALIZABLE' }, false)).toMatch(/nothing is rewritten/);
    expect(said({ transaction_isolation: 'READ-COMMITTED' }, false)).not.toMatch(/rewritten/);
    expect(said({}, false)).toContain('unknown');
  });
});

describe('the report', () => {
  const report = (more: Partial<Report>): Report => ({
    listener: 'main',
    facts: [],
    cells: [],
    problems: [],
    ...more,
  });
  test('fails by a problem or a cell that fails, not by one that depends', () => {
    const one = { client: 'plain', server: 'TLS', login: 'x' } as const;
    expect(failed(report({}))).toBe(false);
    expect(failed(report({ cells: [{ ...one, result: 'depends', note: 'n' }] }))).toBe(false);
    expect(failed(report({ cells: [{ ...one, result: 'fails', note: 'n' }] }))).toBe(true);
    expect(failed(report({ problems: ['no'] }))).toBe(true);
  });
  test('as text', () => {
    const text = render(
      report({
        facts: [
          ['server', 'db:3306'],
          ['version', '9.7.0'],
        ],
        cells: [{ client: 'plain', server: 'TLS', login: 'some', result: 'depends', note: 'on this' }],
        problems: ['a reason. A remedy.'],
      }),
    );
    expect(text.split('\n')).toEqual([
      'listener main',
      '  server   db:3306',
      '  version  9.7.0',
      '  FAILS    a reason. A remedy.',
      '  depends  plain -> TLS      some',
      '           on this',
      '',
    ]);
  });
});
