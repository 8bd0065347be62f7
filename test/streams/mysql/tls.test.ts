/** TLS on the two legs of a session: who offers and asks for what, sequence ids, and everything that must not get through. */
import { describe, expect, it } from 'vitest';
import { capability as c } from '../../../src/wire/mysql/capabilities.ts';
import { readGreeting } from '../../../src/wire/mysql/greeting.ts';
import { readErr } from '../../../src/wire/mysql/server-packets.ts';
import { writeErr, writeQuery } from '../../../src/wire/mysql/writers.ts';
import {
  everyPair,
  flags,
  logIn,
  okay,
  packet,
  response,
  sslRequest,
  TlsStage,
  type Legs,
} from './tls-stage.ts';

const named = (legs: Legs): string =>
  `client ${legs.client ? 'TLS' : 'plain'}, server ${legs.server ? 'TLS' : 'plain'}`;
const pairs = everyPair.map((legs) => [named(legs), legs] as const);
const flagsOf = (bytes: Buffer): number => bytes.readUInt32LE(4);
const errorOf = (bytes: Buffer): ReturnType<typeof readErr> => readErr(bytes, 0, bytes.length);

describe('what is offered', () => {
  it.each([
    ['off', true, false],
    ['off', false, false],
    ['allow', true, true],
    ['allow', false, true],
    ['require', false, true],
  ] as const)('listener %s, server offers: %s', (client, offers, expected) => {
    const greeting = new TlsStage({ tls: { client, server: 'prefer' }, offers }).greet();
    const { capabilities } = readGreeting(greeting, 0, greeting.length);
    expect((capabilities.flags & c.ssl) !== 0).toBe(expected);
  });
});

describe.each([false, true])('log-in, cut byte by byte: %s', (bytewise) => {
  it.each(pairs)('%s', (_, legs) => {
    const options = { bytewise };
    const { stage, heard, client, server } = logIn(legs, { authResponse: Buffer.alloc(32, 7) }, options);
    // The client's answer, with the flag and number of the server's leg and nothing else changed.
    const expected = response({ authResponse: Buffer.alloc(32, 7) }, server, legs.server);
    const tail = legs.server ? heard : heard;
    expect(tail.equals(expected)).toBe(true);
    expect(stage.started).toEqual([...(legs.client ? ['client'] : []), ...(legs.server ? ['server'] : [])]);
    // Numbers of each leg, both ways, through switch and fast path.
    const asked = stage.say(
      'server',
      packet(server + 1, '\xfemysql_native_password\0' + 'x'.repeat(20) + '\0'),
    );
    expect(asked.client[3]).toBe(client + 1);
    const answered = stage.say('client', packet(client + 2, 'y'.repeat(20)));
    expect(answered.server.equals(packet(server + 2, 'y'.repeat(20)))).toBe(true);
    const done = stage.say('server', okay(server + 3));
    expect(done.client.equals(okay(client + 3))).toBe(true);
    expect(stage.events.map(({ type }) => type)).toEqual(['logged-in']);
    // Commands count from 0 on both.
    const query = writeQuery('SELECT 1', flags);
    expect(stage.say('client', query).server.equals(query)).toBe(true);
    expect(stage.say('server', okay(1)).client.equals(okay(1))).toBe(true);
    expect({ raw: stage.session.raw, idle: stage.session.idle, ended: stage.ended }).toEqual({
      raw: false,
      idle: true,
      ended: false,
    });
  });

  it("the server's own request goes ahead, with the client's choice", () => {
    const stage = new TlsStage({ tls: { client: 'off', server: 'prefer' }, bytewise });
    stage.greet();
    const { server, client } = stage.say('client', response({}, 1, false));
    const expected = Buffer.from(response({}, 1, true).subarray(0, 36));
    expected.writeUIntLE(32, 0, 3);
    expect(server.equals(expected)).toBe(true);
    expect(flagsOf(server) & c.ssl).toBe(c.ssl);
    expect(client).toHaveLength(0);
    expect(stage.started).toEqual(['server']);
  });

  it('refused by the server: its number is the one that the client waits for', () => {
    const { stage, client, server } = logIn({ client: false, server: true }, {}, { bytewise });
    const denied = { errno: 1045, sqlstate: '28000', message: 'Access denied' };
    const { client: heard } = stage.say('server', writeErr(server + 1, denied));
    expect(heard.equals(writeErr(client + 1, denied))).toBe(true);
  });
});

describe('modes', () => {
  it('prefer goes on without TLS where the server has none', () => {
    const stage = new TlsStage({ tls: { client: 'off', server: 'prefer' }, offers: false });
    stage.greet();
    expect(stage.say('client', response({}, 1, false)).server.equals(response({}, 1, false))).toBe(true);
    expect(stage.started).toEqual([]);
  });

  it('require ends the session in place of the greeting', () => {
    const stage = new TlsStage({ tls: { client: 'off', server: 'require' }, offers: false });
    const heard = stage.greet();
    expect(heard[3]).toBe(0);
    expect(errorOf(heard)).toMatchObject({ errno: 3159, sqlstate: '' });
    expect(errorOf(heard).message).toMatch(/server_tls\.mode/);
    expect(stage.ended).toBe(true);
    expect(stage.events).toMatchObject([{ type: 'refused', code: '08004' }]);
  });

  it('a listener that requires TLS says so to a plain client, and its log-in goes nowhere', () => {
    const stage = new TlsStage({ tls: { client: 'require', server: 'off' } });
    stage.greet();
    const { client, server } = stage.say('client', response({}, 1, false));
    expect(server).toHaveLength(0);
    expect(client[3]).toBe(2);
    expect(errorOf(client)).toMatchObject({ errno: 3159 });
    expect(errorOf(client).message).toMatch(/tls\.mode/);
    expect(stage.ended).toBe(true);
  });

  it('a plain client of a listener that allows TLS is served', () => {
    const { heard } = logIn({ client: false, server: false });
    expect(heard.equals(response({}, 1, false))).toBe(true);
  });
});

describe('what does not get through', () => {
  const tls = { client: 'allow', server: 'off' } as const;
  function refused(stage: TlsStage, ...bytes: Buffer[]): void {
    const { server } = stage.say('client', ...bytes);
    expect(server).toHaveLength(0);
    expect(stage.ended).toBe(true);
    expect(stage.events.at(-1)).toMatchObject({ type: 'protocol-error' });
  }
  function greeted(options: ConstructorParameters<typeof TlsStage>[0]): TlsStage {
    const stage = new TlsStage(options);
    stage.greet();
    return stage;
  }

  it('SSLRequest that was not offered', () => refused(greeted({ offers: true }), sslRequest()));

  it('SSLRequest of 31 and of 33 bytes', () => {
    for (const length of [31, 33]) {
      const bytes = Buffer.alloc(length);
      sslRequest().copy(bytes, 0, 4);
      refused(greeted({ tls }), packet(1, bytes.toString('latin1')));
    }
  });

  it('32 bytes without CLIENT_SSL', () =>
    refused(greeted({ tls }), packet(1, response({}, 1, false).toString('latin1', 4, 36))));

  it('a second SSLRequest, inside TLS', () => {
    const stage = greeted({ tls });
    stage.say('client', sslRequest());
    stage.secured('client');
    refused(stage, sslRequest(2));
  });

  it('a client that does not wait for the greeting', () => refused(new TlsStage({ tls }), sslRequest()));

  it.each([false, true])(
    'bytes behind SSLRequest are the handshake, never packets; byte by byte: %s',
    (bytewise) => {
      const stage = greeted({ tls, bytewise });
      const stuffed = Buffer.concat([response({ user: 'intruder' }, 2, true), writeQuery('SELECT 1', flags)]);
      const { server, client } = stage.say('client', sslRequest(), stuffed);
      expect({ server, client }).toEqual({ server: Buffer.alloc(0), client: Buffer.alloc(0) });
      expect(stage.hello.equals(stuffed)).toBe(true);
      stage.secured('client');
      expect(stage.say('client', response({}, 2, true)).server.includes('intruder')).toBe(false);
    },
  );

  it.each([
    ['a whole packet', okay(2)],
    ['a part of one', okay(2).subarray(0, 3)],
  ])('what the server says before TLS: %s', (_, bytes) => {
    for (const together of [true, false]) {
      const stage = new TlsStage({ tls: { client: 'off', server: 'require' } });
      stage.greet();
      if (together) stage.say('server', bytes);
      const { server } = stage.ended
        ? { server: Buffer.alloc(0) }
        : stage.say('client', response({}, 1, false));
      if (!together) stage.say('server', bytes, okay(3));
      expect(server.includes('app')).toBe(false);
      expect(stage.ended).toBe(true);
      expect(stage.events.map(({ type }) => type)).toEqual(['protocol-error']);
    }
  });

  it('an OK before the client has said who it is', () => {
    const stage = greeted({ tls });
    const { client } = stage.say('server', okay(1));
    expect(stage.ended).toBe(true);
    expect(client[4]).toBe(0xff);
  });

  it('a client that goes on while the server has its handshake', () => {
    const stage = new TlsStage({ tls: { client: 'off', server: 'require' } });
    stage.greet();
    stage.say('client', response({}, 1, false));
    refused(stage, writeQuery('SELECT 1', flags));
  });
});
