import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { listenAddress, serverUrl, shown } from '../../../src/config/address.ts';
import { isLoopback } from '../../../src/config/loopback.ts';

/** The first complaint; of a union, its first branch's (validate.ts chooses the one that fits the value's type). */
function refused(schema: z.ZodType, value: unknown): string | undefined {
  const [issue] = schema.safeParse(value).error?.issues ?? [];
  return issue?.code === 'invalid_union' ? issue.errors[0]?.[0]?.message : issue?.message;
}

describe('listen', () => {
  test.each([
    ['127.0.0.1:6432', { host: '127.0.0.1', port: 6432 }],
    ['[::1]:0', { host: '::1', port: 0 }],
    ['[::ffff:10.0.0.1]:5432', { host: '::ffff:10.0.0.1', port: 5432 }],
    ['unix:/run/x.sock', { path: '/run/x.sock', mode: 0o777 }],
    ['unix:///run/x.sock', { path: '/run/x.sock', mode: 0o777 }],
  ])('%s', (text, at) => expect(listenAddress.parse(text)).toEqual(at));

  test('with the permission bits of the file', () => {
    expect(listenAddress.parse({ path: '/run/x', mode: '0660' })).toEqual({ path: '/run/x', mode: 0o660 });
    expect(listenAddress.parse({ path: '/run/x' })).toEqual({ path: '/run/x', mode: 0o777 });
  });

  test.each([
    ['::1:5432', /^write host:port/],
    ['db:65536', /^write host:port/],
    ['unix:run/x', /has to begin with \//],
    ['unix:', /has to begin with \//],
    [`unix:/${'x'.repeat(103)}`, /103 bytes at most/],
    [`unix:/${'é'.repeat(52)}`, /103 bytes at most/],
  ])('not %s', (text, why) => expect(refused(listenAddress, text)).toMatch(why));

  test('a mode without quotes is decimal in YAML, so it is refused', () => {
    expect(listenAddress.safeParse({ path: '/run/x', mode: 660 }).success).toBe(false);
    expect(listenAddress.safeParse({ path: '/run/x', mode: '0888' }).success).toBe(false);
  });
});

describe('server', () => {
  const pg = (at: object) => ({ protocol: 'postgres', at });
  const my = (at: object) => ({ protocol: 'mysql', at });
  test.each([
    ['postgres://db', pg({ host: 'db', port: 5432 })],
    ['postgresql://user:secret@[2001:db8::1]:5433/shop', pg({ host: '2001:db8::1', port: 5433 })],
    ['mariadb://db', my({ host: 'db', port: 3306 })],
    ['postgres:///shop?host=/var/run/postgresql', pg({ path: '/var/run/postgresql/.s.PGSQL.5432' })],
    ['postgres:///shop?host=/tmp/&port=5433', pg({ path: '/tmp/.s.PGSQL.5433' })],
    ['postgres://%2Fvar%2Frun%2Fpostgresql:6000/shop', pg({ path: '/var/run/postgresql/.s.PGSQL.6000' })],
    ['postgres:///?host=db&port=5433', pg({ host: 'db', port: 5433 })],
    ['mysql:///?socket=/run/mysqld/mysqld.sock', my({ path: '/run/mysqld/mysqld.sock' })],
    ['mysql://u:p@localhost/shop?unix_socket=/run/m.sock', my({ path: '/run/m.sock' })],
    ['mysql://localhost/?socketPath=/run/m.sock', my({ path: '/run/m.sock' })],
    ['unix:/tmp/.s.PGSQL.5432', pg({ path: '/tmp/.s.PGSQL.5432' })],
    ['unix:/run/mysqld/mysqld.sock', { protocol: undefined, at: { path: '/run/mysqld/mysqld.sock' } }],
  ])('%s', (text, address) => {
    const { credentials: _, ...parsed } = serverUrl.parse(text);
    expect(parsed).toEqual(address);
  });

  test.each([
    ['postgres://db/shop', undefined],
    ['mysql://u:p%40ss%2F@db', { user: 'u', password: 'p@ss/', database: '' }],
    ['mysql://u:100%@db/shop?ssl-mode=REQUIRED', { user: 'u', password: '100%', database: 'shop' }],
    ['mysql://u@db/shop', { user: 'u', password: '', database: 'shop' }],
  ])('credentials in %s', (text, credentials) => {
    expect(serverUrl.parse(text).credentials).toEqual(credentials);
  });

  test.each([
    ['postgres://', /no host; .*\?host=/],
    ['mysql:///shop', /no host; .*\?socket=/],
    ['mysql:///?socket=mysqld.sock', /has to begin with \//],
    ['postgres:///?host=db&port=none', /port/],
    ['postgres://db#x', /#/],
    ['unix:x', /has to begin with \//],
  ])('not %s', (text, why) => expect(refused(serverUrl, text)).toMatch(why));
});

test('addresses as people read them', () => {
  expect(['127.0.0.1:1', '[::1]:1', 'unix:/x'].map((text) => shown(listenAddress.parse(text)))).toEqual([
    '127.0.0.1:1',
    '[::1]:1',
    'unix:/x',
  ]);
});

test('loopback, however it is written', () => {
  const yes = ['localhost', '127.0.0.1', '127.1.2.3', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'];
  expect(yes.filter((host) => !isLoopback(host))).toEqual([]);
  const no = ['0.0.0.0', '::', '10.0.0.1', 'db', '127.example', '', '::ffff:10.0.0.1'];
  expect(no.filter(isLoopback)).toEqual([]);
});
