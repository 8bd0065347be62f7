import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadFlags } from '../../../src/config/flags.ts';
import { loadText, type Config } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/config/problem.ts';
import { authority, noOpenssl, type Authority, type Certificate } from '../../support/certificates.ts';

const why = noOpenssl();
if (why !== undefined) process.stderr.write(`\n*** NOT TESTED: PEM files: ${why}\n\n`);

const listener = (...lines: string[]): string =>
  [
    'listeners:',
    '  - name: main',
    '    listen: 127.0.0.1:6432',
    '    server: postgres://db',
    ...lines,
    '',
  ].join('\n');

describe.skipIf(why !== undefined)('PEM files', () => {
  let ca: Authority;
  let one: Certificate;
  let other: Certificate;
  beforeAll(() => {
    ca = authority();
    one = ca.issue('one', ['one']);
    other = ca.issue('other', ['other']);
    writeFileSync(join(ca.folder, 'noise.pem'), 'no PEM');
    copyFileSync(one.cert, join(ca.folder, 'copy.pem'));
  });
  afterAll(() => ca.remove());
  const load = (...lines: string[]): Config => loadText(join(ca.folder, 'f.yaml'), listener(...lines), {});
  const problems = (...lines: string[]): string[] => {
    try {
      load(...lines);
      return [];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.problems.map(({ where, message }) =>
        `${where}: ${message}`.replaceAll(`${ca.folder}/`, ''),
      );
    }
  };

  test('are relative to the config file', () => {
    const [main] = load(
      '    tls: { cert: one.pem, key: one.key }',
      '    server_tls: { mode: verify-full, ca: ca.pem }',
    ).listeners;
    expect(main?.tls).toEqual({
      mode: 'allow',
      minVersion: 'TLSv1.2',
      files: { cert: one.cert, key: one.key, ca: undefined },
    });
    expect(main?.serverTls).toMatchObject({ mode: 'verify-full', verify: true, files: { ca: ca.cert } });
  });

  test('of the command line too', () => {
    const { listeners } = loadFlags(
      { server: 'postgres://db?sslmode=verify-ca&sslrootcert=ca.pem' },
      ca.folder,
    );
    expect(listeners[0]?.serverTls).toMatchObject({
      mode: 'verify-ca',
      verify: true,
      files: { ca: ca.cert },
    });
    expect(() =>
      loadFlags({ server: 'postgres://db?sslmode=verify-ca&sslrootcert=x.pem' }, ca.folder),
    ).toThrow(`--server: ${join(ca.folder, 'x.pem')}: cannot be read: ENOENT`);
  });

  test.each([
    [
      'tls: { cert: none.pem, key: one.key }',
      'f.yaml:5:18: listeners[0].tls.cert: none.pem: cannot be read: ENOENT',
    ],
    [
      'tls: { cert: one.pem, key: none.key }',
      'f.yaml:5:32: listeners[0].tls.key: none.key: cannot be read: ENOENT',
    ],
    [
      'tls: { cert: noise.pem, key: one.key }',
      'f.yaml:5:18: listeners[0].tls.cert: noise.pem: is not a certificate in PEM form',
    ],
    [
      'tls: { cert: one.pem, key: one.pem }',
      'f.yaml:5:32: listeners[0].tls.key: one.pem: is not a private key in PEM form',
    ],
    [
      'tls: { cert: one.pem, key: other.key }',
      'f.yaml:5:32: listeners[0].tls.key: other.key: is not the key of the certificate in one.pem',
    ],
    ['tls: { cert: one.pem }', 'f.yaml:5:10: listeners[0].tls.key: is missing'],
    [
      'tls: { cert: one.pem, key: one.key, client_ca: ca.pem }',
      'f.yaml:5:52: listeners[0].tls.client_ca: needs mode: require, else a client without a certificate could connect plain',
    ],
    [
      'tls: { mode: require, cert: one.pem, key: one.key, client_ca: noise.pem }',
      'f.yaml:5:67: listeners[0].tls.client_ca: noise.pem: is not a certificate in PEM form',
    ],
    ['server_tls: { mode: verify-ca }', 'f.yaml:5:25: listeners[0].server_tls.mode: verify-ca needs ca'],
    [
      'server_tls: { mode: allow }',
      'f.yaml:5:25: listeners[0].server_tls.mode: expected one of disable, prefer, require, verify-ca, verify-full',
    ],
    [
      'server_tls: { mode: require, cert: one.pem }',
      'f.yaml:5:40: listeners[0].server_tls.cert: cert and key belong together',
    ],
    [
      'server_tls: { mode: require, ca: system }',
      'f.yaml:5:38: listeners[0].server_tls.ca: system needs mode verify-full: anyone can have a certificate of a public CA',
    ],
    [
      'server_tls: { negotiation: direct }',
      'f.yaml:5:32: listeners[0].server_tls.negotiation: direct needs mode require or a stricter one',
    ],
    [
      'server_tls: { ca: ca.pem }',
      'f.yaml:5:23: listeners[0].server_tls.ca: needs mode require or a stricter one: with prefer a server that fails the check would get a plain connection',
    ],
  ])('%s', (line, problem) => {
    expect(problems(`    ${line}`)).toEqual([problem]);
  });

  test('a wrong key is found behind a good one, and mode off wants no files', () => {
    expect(problems(`    tls: { mode: off, cert: none.pem, key: none.key }`)).toEqual([]);
    expect(problems(`    tls: { cert: ${other.cert}, key: ${other.key} }`)).toEqual([]);
  });
});

describe('the URL of the server', () => {
  const serverTls = (url: string) =>
    loadText('f.yaml', listener().replace('postgres://db', url), {}).listeners[0]?.serverTls;

  test.each([
    ['postgres://db', 'prefer'],
    ['postgres://db?sslmode=disable', 'disable'],
    ['postgres://db?sslmode=require', 'require'],
    ['postgres://db?sslmode=verify-full&sslrootcert=system', 'verify-full'],
    ['mysql://db', 'prefer'],
    ['mysql://db?ssl-mode=DISABLED', 'disable'],
    ['mysql://db?ssl-mode=PREFERRED', 'prefer'],
    ['mariadb://db?ssl-mode=REQUIRED', 'require'],
    ['mysql://db?ssl-mode=verify_identity', 'verify-full'],
  ])('%s: %s', (url, mode) => expect(serverTls(url)?.mode).toBe(mode));

  test('direct negotiation', () => {
    expect(serverTls('postgres://db?sslmode=require&sslnegotiation=direct')?.negotiation).toBe('direct');
    expect(() => serverTls('mysql://db?sslnegotiation=direct')).toThrow(/unknown parameter/);
  });

  test('no TLS on Unix sockets: whoever asks for it is told', () => {
    const problem = /mode: there is no TLS on a Unix socket|: there is no TLS on a Unix socket/;
    const socket = listener().replace('postgres://db', 'postgres:///?host=/run/postgresql');
    expect(() => loadText('f.yaml', `${socket}    server_tls: { mode: require }\n`, {})).toThrow(problem);
    expect(() => loadText('f.yaml', socket.replace('postgresql', 'postgresql&sslmode=require'), {})).toThrow(
      problem,
    );
    expect(loadText('f.yaml', socket, {}).listeners[0]?.serverTls.mode).toBe('prefer');
  });

  test('says it once: not together with server_tls', () => {
    const text = listener('    server_tls: { mode: require }').replace('//db', '//db?sslmode=require');
    expect(() => loadText('f.yaml', text, {})).toThrow(
      'f.yaml:4:13: listeners[0].server: write it either as parameters of the URL or as server_tls, not both',
    );
  });
});
