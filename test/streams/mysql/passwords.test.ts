/**
 * Passwords over legs that are not equally secure: caching_sha2_password and sha256_password in full, log-in and
 * COM_CHANGE_USER; what must not leave on a plain leg; blocks, keys and passwords that are not what they should be.
 */
import { constants, publicEncrypt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createPasswordKeys } from '../../../src/proxy/password-keys.ts';
import { capability as c } from '../../../src/wire/mysql/capabilities.ts';
import { command } from '../../../src/wire/mysql/commands.ts';
import { readErr } from '../../../src/wire/mysql/server-packets.ts';
import { writeErr, writePacket } from '../../../src/wire/mysql/writers.ts';
import { encryptedPassword } from '../../same/mysql/login.ts';
import { keys, logIn, okay, packet, response, scramble, TlsStage, type Legs } from './tls-stage.ts';

const password = 'correct horse';
const clear = `${password}\0`;
/** The server's own. */
const serverKeys = await createPasswordKeys();
const pem = (bytes: Buffer): Buffer => bytes.subarray(5);
const xored = (bytes: Buffer): string =>
  Buffer.from(bytes.map((byte, at) => byte ^ (scramble[at % 20] ?? 0))).toString('latin1');
const errorOf = (bytes: Buffer): ReturnType<typeof readErr> => readErr(bytes, 0, bytes.length);

const plainToTls: Legs = { client: false, server: true };
const tlsToPlain: Legs = { client: true, server: false };
const full = '\x01\x04';
const plugins = [
  { plugin: 'caching_sha2_password', request: '\x02' },
  { plugin: 'sha256_password', request: '\x01' },
] as const;
type Plugin = (typeof plugins)[number];

/** To where the client has to send its password. `client`, `server`: the next numbers that the client sends, on either leg. */
function asked(
  legs: Legs,
  { plugin }: Pick<Plugin, 'plugin'>,
): { stage: TlsStage; client: number; server: number } {
  const { stage, client, server } = logIn(legs, {
    plugin: 'mysql_native_password',
    authResponse: Buffer.alloc(20, 1),
  });
  const more = (text: string, at: number): void => {
    const heard = stage.say('server', packet(server + at, text));
    expect(heard.client.equals(packet(client + at, text))).toBe(true);
  };
  more(`\xfe${plugin}\0${scramble.toString('latin1')}\0`, 1);
  if (plugin === 'sha256_password') return { stage, client: client + 2, server: server + 2 };
  stage.say('client', packet(client + 2, 'h'.repeat(32)));
  more(full, 3);
  return { stage, client: client + 4, server: server + 4 };
}

const nothing = Buffer.alloc(0);

describe.each(plugins)('$plugin in full', (one) => {
  it('plain client, TLS server: the client gets a key of the proxy, the server the password', () => {
    const { stage, client, server } = asked(plainToTls, one);
    const key = stage.say('client', packet(client, one.request));
    expect(key.server).toEqual(nothing);
    expect(key.client.subarray(3, 5)).toEqual(Buffer.of(client + 1, 0x01));
    expect(pem(key.client).equals(keys.publicKey)).toBe(true);
    const block = encryptedPassword(password, scramble, pem(key.client));
    const passed = stage.say('client', writePacket(client + 2, block));
    expect(passed.client).toEqual(nothing);
    expect(passed.server.equals(packet(server, clear))).toBe(true);
    expect(stage.say('server', okay(server + 1)).client.equals(okay(client + 3))).toBe(true);
    expect(stage.events.map(({ type }) => type)).toEqual(['logged-in']);
  });

  it('TLS client, plain server: its key is asked for, the password encrypted', () => {
    const { stage, client, server } = asked(tlsToPlain, one);
    const request = stage.say('client', packet(client, clear));
    expect(request.client).toEqual(nothing);
    expect(request.server.equals(packet(server, one.request))).toBe(true);
    const key = Buffer.concat([Buffer.of(1), serverKeys.publicKey]);
    const passed = stage.say('server', writePacket(server + 1, key));
    expect(passed.client).toEqual(nothing);
    expect(passed.server[3]).toBe(server + 2);
    expect(xored(serverKeys.decrypt(passed.server.subarray(4)) ?? nothing)).toBe(clear);
    expect(stage.say('server', okay(server + 3)).client.equals(okay(client + 1))).toBe(true);
    expect(stage.events.map(({ type }) => type)).toEqual(['logged-in']);
  });

  it.each([
    { client: false, server: false },
    { client: true, server: true },
  ])('legs alike: everything is relayed (%o)', (legs) => {
    const { stage, client, server } = asked(legs, one);
    for (const text of legs.client ? [clear] : [one.request, 'any block'])
      expect(stage.say('client', packet(client, text)).server.equals(packet(server, text))).toBe(true);
    expect(
      stage.say('server', packet(server + 1, '\x01key')).client.equals(packet(client + 1, '\x01key')),
    ).toBe(true);
  });

  it.each([plainToTls, tlsToPlain])('an empty password is the same on every leg (%o)', (legs) => {
    const { stage, client, server } = asked(legs, one);
    expect(stage.say('client', packet(client, '\0')).server.equals(packet(server, '\0'))).toBe(true);
    expect(stage.say('server', okay(server + 1)).client.equals(okay(client + 1))).toBe(true);
  });

  it.each([plainToTls, tlsToPlain])(
    'the server says no: the client hears it with its own numbers (%o)',
    (legs) => {
      const { stage, client, server } = asked(legs, one);
      const denied = { errno: 1045, sqlstate: '28000', message: 'Access denied' };
      if (legs.client) {
        stage.say('client', packet(client, clear));
        const { client: heard } = stage.say('server', writeErr(server + 1, denied));
        expect(heard[4]).toBe(0xff);
        expect(errorOf(heard)).toEqual(denied);
        return;
      }
      const key = pem(stage.say('client', packet(client, one.request)).client);
      stage.say('client', writePacket(client + 2, encryptedPassword('wrong', scramble, key)));
      const { client: heard } = stage.say('server', writeErr(server + 1, denied));
      expect(heard.equals(writeErr(client + 3, denied))).toBe(true);
    },
  );

  it('a client over TLS that wants a key all the same talks to the server itself', () => {
    const { stage, client, server } = asked(tlsToPlain, one);
    expect(stage.say('client', packet(client, one.request)).server.equals(packet(server, one.request))).toBe(
      true,
    );
    expect(
      stage.say('server', packet(server + 1, '\x01key')).client.equals(packet(client + 1, '\x01key')),
    ).toBe(true);
    const block = 'b'.repeat(256);
    expect(stage.say('client', packet(client + 2, block)).server.equals(packet(server + 2, block))).toBe(
      true,
    );
  });
});

describe('what is not a password', () => {
  const [caching] = plugins;
  function denied(stage: TlsStage, bytes: Buffer): string {
    const { client, server } = stage.say('client', bytes);
    expect(server).toEqual(nothing);
    expect(stage.ended).toBe(true);
    expect(stage.events).toMatchObject([{ type: 'refused', code: '28000' }]);
    expect(errorOf(client)).toMatchObject({ errno: 1045, sqlstate: '28000' });
    return errorOf(client).message;
  }
  const encrypt = (secret: Buffer, key: Buffer): Buffer =>
    publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING }, secret);
  const unending = Buffer.from(scramble.map((byte) => byte ^ 0x61));

  it.each([
    ['a block that is too short', () => Buffer.alloc(255, 7)],
    ['a block that is too long', () => Buffer.alloc(257, 7)],
    ['no block', () => nothing],
    ['a block of noise', () => Buffer.alloc(256, 7)],
    ['a password in the clear', () => Buffer.from(clear)],
    ['a block for another key', () => encryptedPassword(password, scramble, serverKeys.publicKey)],
    ['a password without an end', () => encrypt(unending, keys.publicKey)],
    ['a second request for the key', () => Buffer.of(2)],
  ])('%s', (_, block) => {
    const { stage, client } = asked(plainToTls, caching);
    stage.say('client', packet(client, '\x02'));
    expect(denied(stage, writePacket(client + 2, block()))).toMatch(/Interlock's RSA key/);
  });

  it('a block for a key that the client was given before', () => {
    const { stage, client } = asked(plainToTls, caching);
    const block = encryptedPassword(password, scramble, serverKeys.publicKey);
    expect(denied(stage, writePacket(client, block))).toMatch(/get-server-public-key/);
  });

  it.each([
    ['over the limit', 'p'.repeat(257) + '\0'],
    ['without an end', 'password'],
    ['nothing', ''],
  ])('%s', (_, text) => {
    const { stage, client } = asked(tlsToPlain, caching);
    const message = denied(stage, packet(client, text));
    expect(message).not.toContain('password\0');
    expect(message).not.toContain('ppp');
  });

  it('at the limit', () => {
    const { stage, client, server } = asked(tlsToPlain, caching);
    const { server: heard } = stage.say('client', packet(client, 'p'.repeat(256) + '\0'));
    expect(heard.equals(packet(server, '\x02'))).toBe(true);
    // Which is more than the server's own key can take, as it is for a direct client.
    const key = Buffer.concat([Buffer.of(1), serverKeys.publicKey]);
    const { client: said, server: sent } = stage.say('server', writePacket(server + 1, key));
    expect(sent).toEqual(nothing);
    expect(errorOf(said)).toMatchObject({ errno: 1045 });
  });

  it.each([
    ['noise', '\x01no key at all'],
    ['nothing', '\x01'],
    ['a key of another kind', '\x01-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n'],
  ])('a server whose key is %s', (_, text) => {
    const { stage, client, server } = asked(tlsToPlain, caching);
    stage.say('client', packet(client, clear));
    const { client: heard, server: sent } = stage.say('server', packet(server + 1, text));
    expect(sent).toEqual(nothing);
    expect(errorOf(heard)).toMatchObject({ errno: 1045 });
    expect(stage.ended).toBe(true);
  });

  it('a second password while the first one waits for the key', () => {
    const { stage, client } = asked(tlsToPlain, caching);
    stage.say('client', packet(client, clear));
    const { server } = stage.say('client', packet(client, clear));
    expect(server).toEqual(nothing);
    expect(stage.events.at(-1)).toMatchObject({ type: 'protocol-error', side: 'client' });
  });
});

describe('plugins that send passwords as they are', () => {
  const revealing = ['mysql_clear_password', 'dialog', 'authentication_openid_connect_client', 'unheard_of'];

  it.each(revealing)('%s: not from a TLS client to a plain server', (plugin) => {
    const answered = logIn(tlsToPlain, { plugin, authResponse: Buffer.from(clear) });
    expect(answered.heard).toEqual(nothing);
    const switched = logIn(tlsToPlain);
    const { client } = switched.stage.say('server', packet(2, `\xfe${plugin}\0Password: `));
    expect(client[3]).toBe(3);
    expect(errorOf(client)).toMatchObject({ errno: 3159 });
    expect(errorOf(client).message).toContain('server_tls.mode');
    for (const { stage } of [answered, switched]) {
      expect(stage.ended).toBe(true);
      expect(stage.events).toMatchObject([{ type: 'refused', code: '08004' }]);
      expect(JSON.stringify(stage.events)).not.toContain(password);
    }
  });

  it.each(revealing)(
    "%s: as a direct client would where the legs are alike, or the server's is better",
    (plugin) => {
      for (const legs of [
        { client: false, server: false },
        { client: false, server: true },
        { client: true, server: true },
      ]) {
        const { stage, client, server } = logIn(legs);
        const question = `\xfe${plugin}\0Password: `;
        expect(
          stage.say('server', packet(server + 1, question)).client.equals(packet(client + 1, question)),
        ).toBe(true);
        expect(stage.say('client', packet(client + 2, clear)).server.equals(packet(server + 2, clear))).toBe(
          true,
        );
      }
    },
  );

  it('the next factor of several is looked at as well', () => {
    const { stage } = logIn(tlsToPlain);
    const { client } = stage.say('server', packet(2, '\x02mysql_clear_password\0'));
    expect(errorOf(client)).toMatchObject({ errno: 3159 });
  });

  it.each([plainToTls, tlsToPlain])(
    'sha256_password guessed by the client: the server asks anew (%o)',
    (legs) => {
      const plugin = 'sha256_password';
      const authResponse = Buffer.from(legs.client ? clear : '\x01');
      const { heard, server } = logIn(legs, { plugin, authResponse });
      expect(heard.equals(response({ plugin: '' }, server, legs.server))).toBe(true);
      const alike = logIn({ client: false, server: false }, { plugin, authResponse: Buffer.of(1) });
      expect(alike.heard.equals(response({ plugin, authResponse: Buffer.of(1) }, 1, false))).toBe(true);
    },
  );
});

describe('COM_CHANGE_USER', () => {
  const changeUser = (plugin: string, answer: string): Buffer =>
    writePacket(
      0,
      Buffer.concat([
        Buffer.of(command.changeUser),
        Buffer.from('other\0'),
        Buffer.of(answer.length),
        Buffer.from(`${answer}shop\0`, 'latin1'),
        Buffer.of(45, 0),
        Buffer.from(`${plugin}\0`),
      ]),
    );
  function loggedIn(legs: Legs): TlsStage {
    const { stage, server } = logIn(legs);
    stage.say('server', okay(server + 1));
    stage.events.length = 0;
    return stage;
  }
  const asks = packet(1, `\xfecaching_sha2_password\0${scramble.toString('latin1')}\0`);

  it('in full, plain client and TLS server', () => {
    const stage = loggedIn(plainToTls);
    const sent = changeUser('caching_sha2_password', 'h'.repeat(32));
    expect(stage.say('client', sent).server.equals(sent)).toBe(true);
    expect(stage.say('server', asks).client.equals(asks)).toBe(true);
    stage.say('client', packet(2, 'h'.repeat(32)));
    expect(stage.say('server', packet(3, full)).client.equals(packet(3, full))).toBe(true);
    const key = pem(stage.say('client', packet(4, '\x02')).client);
    const { server } = stage.say('client', writePacket(6, encryptedPassword(password, scramble, key)));
    expect(server.equals(packet(4, clear))).toBe(true);
    expect(stage.say('server', okay(5)).client.equals(okay(7))).toBe(true);
    expect({ raw: stage.session.raw, events: stage.events }).toEqual({ raw: false, events: [] });
    const ping = writePacket(0, Buffer.of(command.ping));
    expect(stage.say('client', ping).server.equals(ping)).toBe(true);
    expect(stage.say('server', okay(1)).client.equals(okay(1))).toBe(true);
  });

  it('in full, TLS client and plain server', () => {
    const stage = loggedIn(tlsToPlain);
    stage.say('client', changeUser('caching_sha2_password', 'h'.repeat(32)));
    stage.say('server', asks);
    stage.say('client', packet(2, 'h'.repeat(32)));
    stage.say('server', packet(3, full));
    expect(stage.say('client', packet(4, clear)).server.equals(packet(4, '\x02'))).toBe(true);
    const key = Buffer.concat([Buffer.of(1), serverKeys.publicKey]);
    const { server } = stage.say('server', writePacket(5, key));
    expect(xored(serverKeys.decrypt(server.subarray(4)) ?? nothing)).toBe(clear);
    expect(stage.say('server', okay(7)).client.equals(okay(5))).toBe(true);
    expect({ raw: stage.session.raw, events: stage.events }).toEqual({ raw: false, events: [] });
  });

  it('without a switch the scramble of before stands', () => {
    const stage = loggedIn(plainToTls);
    stage.say('client', changeUser('caching_sha2_password', 'h'.repeat(32)));
    stage.say('server', packet(1, full));
    const key = pem(stage.say('client', packet(2, '\x02')).client);
    const { server } = stage.say('client', writePacket(4, encryptedPassword(password, scramble, key)));
    expect(server.equals(packet(2, clear))).toBe(true);
  });

  it('does not send a password in the clear', () => {
    const stage = loggedIn(tlsToPlain);
    const { client, server } = stage.say('client', changeUser('mysql_clear_password', clear));
    expect(server).toEqual(nothing);
    expect(errorOf(client)).toMatchObject({ errno: 3159, sqlstate: '08004' });
    const asksAnew = loggedIn(tlsToPlain).say('client', changeUser('sha256_password', clear)).server;
    expect(asksAnew.equals(changeUser('', ''))).toBe(true);
  });
});

describe('what is left of a password', () => {
  /** The very buffers that the session has handed out and was given. */
  function watched(legs: Legs): {
    given: Buffer[];
    sent: Buffer[];
    stage: TlsStage;
    client: number;
    server: number;
  } {
    const { stage, client, server } = asked(legs, plugins[0]);
    const given: Buffer[] = [];
    const sent: Buffer[] = [];
    const receive = stage.session.receive.bind(stage.session);
    stage.session.receive = (side, chunk, now) => {
      given.push(chunk);
      const actions = receive(side, chunk, now);
      sent.push(...actions.toServer);
      return actions;
    };
    return { given, sent, stage, client, server };
  }
  const holds = (buffers: readonly Buffer[]): boolean => buffers.some((bytes) => bytes.includes(password));

  it('nothing once the server has answered', () => {
    const { sent, stage, client, server } = watched(plainToTls);
    const key = pem(stage.say('client', packet(client, '\x02')).client);
    stage.say('client', writePacket(client + 2, encryptedPassword(password, scramble, key)));
    expect(holds(sent)).toBe(true);
    stage.say('server', okay(server + 1));
    expect(holds(sent)).toBe(false);
  });

  it('nothing in the chunk in which it came', () => {
    const { given, stage, client } = watched(tlsToPlain);
    stage.say('client', packet(client, clear));
    expect(given).toHaveLength(1);
    expect(holds(given)).toBe(false);
  });
});

describe('flags of the older forms', () => {
  it('an answer that ends with NUL is taken out as well', () => {
    const flags = (c.mysql | c.protocol41 | c.secureConnection | c.pluginAuth) >>> 0;
    const answer = Buffer.from(clear);
    const { heard } = logIn(tlsToPlain, {
      plugin: 'sha256_password',
      authResponse: answer,
      capabilities: { flags: (flags | c.connectWithDb) >>> 0, mariadb: 0 },
      database: 'shop',
    });
    expect(heard.includes(password)).toBe(false);
    expect(heard.toString('latin1', 36)).toBe('app\0\0shop\0\0');
  });
});
