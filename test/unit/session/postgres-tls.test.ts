/** TLS before the log-in, as the session sees it: who is answered what, and what may not be there before a handshake. */
import { describe, expect, test } from 'vitest';
import type { Actions, Session, TlsPolicy } from '../../../src/session/types.ts';
import { readSslAnswer } from '../../../src/wire/postgres/startup.ts';
import { readError } from '../../../src/wire/postgres/server-messages.ts';
import { writeAuthenticationSasl } from '../../../src/wire/postgres/writers.ts';
import { client } from '../../streams/encode.ts';
import { makeSession, ruleSet } from '../../streams/session.ts';

const request = (code: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32BE(8);
  bytes.writeInt32BE(code, 4);
  return bytes;
};
const ssl = request(80877103);
const gss = request(80877104);
const startup = client.startup({ user: 'app', database: 'shop' });
/** The beginning of a ClientHello. */
const hello = Buffer.from('16030100c8010000c40303', 'hex');

function session(tls: Partial<TlsPolicy> = {}): Session {
  const rules = ruleSet({ mode: 'observe', tablesNamed: true });
  const made = makeSession(rules, undefined, {}, { client: 'allow', server: 'off', ...tls });
  return made(() => undefined);
}
/** Copies: the session uses its actions again. */
const say = (to: Session, ...chunks: Buffer[]): Actions[] =>
  chunks.map((chunk) => {
    const actions = to.receive('client', chunk, 0);
    return { ...actions, toServer: [...actions.toServer], toClient: [...actions.toClient] };
  });
const text = (buffers: Buffer[]): string => Buffer.concat(buffers).toString('latin1');
const fatal = ({ toClient, end }: Actions): string => {
  expect(end).toBe(true);
  const bytes = Buffer.concat(toClient);
  const { severity, code, message } = readError(bytes, 0, bytes.length);
  return `${severity} ${code} ${message}`;
};

describe('requests of the client', () => {
  test.each([
    ['SSL', [ssl], 'S'],
    ['GSS, then SSL', [gss, ssl], 'NS'],
  ])('%s: the answer, then the handshake', (_, requests, answers) => {
    const one = session();
    const actions = say(one, ...requests);
    expect(text(actions.flatMap(({ toClient }) => toClient))).toBe(answers);
    expect(actions.map(({ startTls }) => startTls)).toEqual([
      ...requests.slice(1).map(() => undefined),
      { side: 'client' },
    ]);
    one.secured('client', 0);
    expect(text(one.receive('client', startup, 0).toServer)).toBe(text([startup]));
  });

  test('without a certificate the answer is N, and GSS may still be asked for', () => {
    const one = session({ client: 'off' });
    const actions = say(one, ssl, gss, startup);
    expect(text(actions.flatMap(({ toClient }) => toClient))).toBe('NN');
    expect(actions.every(({ startTls }) => startTls === undefined)).toBe(true);
    expect(text(actions[2]!.toServer)).toBe(text([startup]));
  });

  test('byte by byte it is the same', () => {
    const one = session();
    const actions = say(one, ...Array.from(ssl, (byte) => Buffer.of(byte)));
    expect(actions.filter(({ startTls }) => startTls !== undefined)).toEqual([actions.at(-1)]);
    one.secured('client', 0);
    const more = say(one, ...Array.from(startup, (byte) => Buffer.of(byte)));
    expect(text(more.flatMap(({ toServer }) => toServer))).toBe(text([startup]));
  });

  test('direct TLS: the bytes that have come are given back, from the first on', () => {
    for (const length of [1, hello.length]) {
      const [actions] = say(session(), hello.subarray(0, length));
      expect(actions!.startTls).toEqual({ side: 'client', hello: hello.subarray(0, length) });
      expect(actions!.toClient).toEqual([]);
    }
  });

  test.each<[string, Partial<TlsPolicy>, Buffer[], ('secured' | undefined)?]>([
    ['bytes behind SSLRequest (CVE-2021-23214)', {}, [Buffer.concat([ssl, startup])]],
    ['one byte behind it', {}, [Buffer.concat([ssl, Buffer.of(0)])]],
    ['bytes behind GSSENCRequest', {}, [Buffer.concat([gss, ssl])]],
    ['a second SSLRequest', { client: 'off' }, [ssl, ssl]],
    ['a second GSSENCRequest', {}, [gss, gss]],
    ['SSLRequest inside TLS', {}, [ssl, ssl], 'secured'],
    ['GSSENCRequest inside TLS', {}, [ssl, gss], 'secured'],
    ['direct TLS inside TLS', {}, [ssl, hello], 'secured'],
    ['direct TLS after another request', {}, [gss, hello]],
    ['direct TLS without a certificate', { client: 'off' }, [hello]],
  ])('%s ends the connection', (_, policy, chunks, secured) => {
    const one = session(policy);
    const before = say(one, ...chunks.slice(0, -1));
    expect(before.some(({ end }) => end)).toBe(false);
    if (secured !== undefined) one.secured('client', 0);
    expect(fatal(say(one, chunks.at(-1)!)[0]!)).toMatch(/^FATAL 08P01 interlock: /);
  });
});

describe('tls.mode: require', () => {
  test('a plain log-in is refused, and told what to change', () => {
    const [actions] = say(session({ client: 'require' }), startup);
    expect(fatal(actions!)).toBe('FATAL 28000 interlock: this listener takes no connection without TLS');
    expect(text(actions!.toClient)).toContain('Set sslmode=require');
    expect(actions!.toServer).toEqual([]);
  });

  test('an encrypted one passes, and so does a plain cancel, as libpq sends it', () => {
    const one = session({ client: 'require' });
    say(one, ssl);
    one.secured('client', 0);
    expect(text(say(one, startup)[0]!.toServer)).toBe(text([startup]));
    const cancel = Buffer.alloc(16);
    cancel.writeInt32BE(16);
    cancel.writeInt32BE(80877102, 4);
    expect(say(session({ client: 'require' }), cancel)[0]!.cancel).toEqual(cancel);
  });
});

describe('channel binding', () => {
  const offer = writeAuthenticationSasl(['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256']);
  const without = writeAuthenticationSasl(['SCRAM-SHA-256']);
  test.each([
    [false, false, offer],
    [false, true, without],
    [true, false, offer],
    [true, true, offer],
  ])('client TLS %s, server TLS %s', (clientTls, serverTls, expected) => {
    const one = session();
    if (clientTls) {
      say(one, ssl);
      one.secured('client', 0);
    }
    say(one, startup);
    if (serverTls) one.secured('server', 0);
    expect(text(one.receive('server', offer, 0).toClient)).toBe(text([expected]));
    const challenge = Buffer.from('520000000c0000000b72616263', 'hex');
    expect(text(one.receive('server', challenge, 0).toClient)).toBe(text([challenge]));
  });
});

test.each([
  ['S', 'yes'],
  ['N', 'no'],
  ['SE', 'stuffed'],
  ['N\0', 'stuffed'],
  ['E\0\0\0\x20SFATAL\0', 'error'],
  ['R', 'error'],
  ['', 'error'],
])('the answer %j of a server is %s', (bytes, meaning) => {
  expect(readSslAnswer(Buffer.from(bytes, 'latin1'))).toBe(meaning);
});
