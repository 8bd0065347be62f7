/**
 * A session between a client and a server that the test plays packet by packet, with TLS as the test wants it on either leg.
 * What each side hears is checked packet by packet, header included; nothing is cut or joined that matters.
 */
import { createMysqlSession } from '../../../src/session/mysql/session.ts';
import { createPasswordKeys } from '../../../src/proxy/password-keys.ts';
import type { Actions, Session, SessionEvent, Side, TlsPolicy } from '../../../src/session/types.ts';
import { capability as c } from '../../../src/wire/mysql/capabilities.ts';
import { writePacket } from '../../../src/wire/mysql/writers.ts';
import { writeGreeting, writeResponse, type ResponseFields } from '../../unit/wire/mysql/login-writers.ts';
import { plainLimits, ruleSet, sharedState } from '../session.ts';

/** One for all: making a key takes a moment. */
export const keys = await createPasswordKeys();
const shared = sharedState();

export const flags = (c.mysql | c.protocol41 | c.secureConnection | c.pluginAuth | c.transactions) >>> 0;
export const scramble = Buffer.from('ABCDEFGHIJKLMNOPQRST', 'latin1');
export const okay = (sequence: number): Buffer => writePacket(sequence, Buffer.from([0, 0, 0, 2, 0, 0, 0]));
export const packet = (sequence: number, text: string): Buffer =>
  writePacket(sequence, Buffer.from(text, 'latin1'));

export interface Legs {
  client: boolean;
  server: boolean;
}
export const everyPair: readonly Legs[] = [false, true].flatMap((client) =>
  [false, true].map((server) => ({ client, server })),
);

export interface StageOptions {
  tls?: TlsPolicy;
  /** The server offers TLS. */
  offers?: boolean;
  /** Chunks of one byte. */
  bytewise?: boolean;
  plugin?: string;
}

export class TlsStage {
  readonly session: Session;
  readonly events: SessionEvent[] = [];
  /** TLS that was asked for, in order. */
  readonly started: Side[] = [];
  /** What came behind the client's request. */
  hello: Buffer = Buffer.alloc(0);
  ended = false;
  readonly #options: StageOptions;
  readonly #heard: Record<Side, Buffer[]> = { client: [], server: [] };

  constructor(options: StageOptions) {
    this.#options = options;
    this.session = createMysqlSession({
      listener: 'test',
      rules: ruleSet({ mode: 'observe', tablesNamed: true }),
      limits: plainLimits,
      shared,
      server: 'fake:3306',
      passwords: keys,
      wakeSoon: () => undefined,
      ...(options.tls !== undefined && { tls: options.tls }),
    });
  }

  /** @returns what the two sides have heard since the last call */
  say(side: Side, ...packets: Buffer[]): { client: Buffer; server: Buffer } {
    const bytes = Buffer.concat(packets);
    const chunks = this.#options.bytewise === true ? [...bytes].map((byte) => Buffer.of(byte)) : [bytes];
    for (const [at, chunk] of chunks.entries()) {
      if (this.ended) break;
      const before = this.started.length;
      this.#take(this.session.receive(side, Buffer.from(chunk), 0));
      // From here on the bytes of this side are TLS's.
      if (side === 'client' && this.started.length > before && this.started.at(-1) === 'client') {
        this.hello = Buffer.concat([this.hello, ...chunks.slice(at + 1)]);
        break;
      }
    }
    return this.#hear();
  }

  /** The handshake on this leg is done. */
  secured(side: Side): { client: Buffer; server: Buffer } {
    this.#take(this.session.secured(side, 0));
    return this.#hear();
  }

  greet(): Buffer {
    const { offers = true, plugin = 'caching_sha2_password' } = this.#options;
    const capabilities = { flags: offers ? (flags | c.ssl) >>> 0 : flags, mariadb: 0 };
    const greeting = { versionText: '9.7.0', connectionId: 7, scramble, capabilities, plugin };
    return this.say('server', writeGreeting(greeting)).client;
  }

  #take({ toServer, toClient, startTls, events, end }: Actions): void {
    // Copies: the session may overwrite what is secret in them.
    this.#heard.server.push(...toServer.map((bytes) => Buffer.from(bytes)));
    this.#heard.client.push(...toClient.map((bytes) => Buffer.from(bytes)));
    this.events.push(...events);
    if (startTls !== undefined) {
      this.started.push(startTls.side);
      this.hello = startTls.hello ?? this.hello;
    }
    this.ended ||= end;
  }

  #hear(): { client: Buffer; server: Buffer } {
    const heard = { client: Buffer.concat(this.#heard.client), server: Buffer.concat(this.#heard.server) };
    this.#heard.client.length = 0;
    this.#heard.server.length = 0;
    return heard;
  }
}

/** A client's SSLRequest. */
export const sslRequest = (sequence = 1): Buffer =>
  writePacket(sequence, response({}, sequence, true).subarray(4, 36));

export function response(fields: Partial<ResponseFields>, sequence: number, tls: boolean): Buffer {
  const capabilities = { flags: (tls ? flags | c.ssl : flags & ~c.ssl) >>> 0, mariadb: 0 };
  return writeResponse({ user: 'app', plugin: 'caching_sha2_password', capabilities, ...fields }, sequence);
}

/** Up to where the server has the log-in. @returns what the server has heard at last, and sequence ids of the legs */
export function logIn(
  legs: Legs,
  fields: Partial<ResponseFields> = {},
  options: StageOptions = {},
): { stage: TlsStage; heard: Buffer; client: number; server: number } {
  const tls: TlsPolicy = { client: 'allow', server: legs.server ? 'require' : 'off' };
  const stage = new TlsStage({ tls, ...options });
  stage.greet();
  let client = 1;
  if (legs.client) {
    stage.say('client', sslRequest());
    stage.secured('client');
    client = 2;
  }
  let { server: heard } = stage.say('client', response(fields, client, legs.client));
  if (legs.server && !stage.ended) heard = stage.secured('server').server;
  return { stage, heard, client, server: legs.server ? 2 : 1 };
}
