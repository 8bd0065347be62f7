/**
 * The packets between a log-in (or COM_CHANGE_USER) and the server's last word on it: step 1 of a session. They are relayed,
 * with other sequence ids where the legs differ by an SSLRequest.
 *
 * One exchange cannot be relayed: caching_sha2_password and sha256_password have the client send the password itself, in the
 * clear on a secure leg (TLS, unix socket) and under the server's RSA key on a plain one. Where the legs differ, the proxy
 * is the server to a plain client, with a key of its own, or the client to a plain server (protocol.md, MySQL 8). The
 * password passes through, is overwritten, and is in no event.
 *
 * Invariant: no password leaves on a plain leg in another form than the plugin's own for plain legs.
 */
import {
  cachingSha2State,
  isPublicKeyRequest,
  maskPassword,
  readAuthPacket,
  revealing,
  scrambleBytes,
  writeMoreData,
  writePublicKeyRequest,
} from '../../wire/mysql/authentication.ts';
import type { AuthPacket } from '../../wire/mysql/authentication.ts';
import { errno, headerBytes } from '../../wire/mysql/codes.ts';
import type { Framer } from '../../wire/mysql/framer.ts';
import { unanswered } from '../../wire/mysql/handshake-response.ts';
import type { Login } from '../../wire/mysql/handshake-response.ts';
import { sequencedHeader } from '../../wire/mysql/sequence.ts';
import { writePacket } from '../../wire/mysql/writers.ts';
import { ProtocolViolation } from '../../wire/violation.ts';
import type { PasswordKeys, Side } from '../types.ts';
import type { MysqlConversation } from './conversation.ts';

/** MySQL's own limit of these plugins, the closing NUL included. */
export const maxPasswordBytes = 257;

const empty = Buffer.alloc(0);

export class Authentication {
  private readonly conversation: MysqlConversation;
  private active = false;
  private plugin = '';
  /** The last one of the server: it stands until another comes, in a COM_CHANGE_USER too. */
  private scramble: Buffer = empty;
  /** Sequence id of a packet on the client's leg, less that of the same packet on the server's. */
  private ahead = 0;
  /** Sequence id of the last packet on the client's leg, and who speaks next. */
  private last = 0;
  private turn: Side = 'server';
  /** The client's next packet is the password, in one of its forms, or a request for the key it goes under. */
  private passwordDue = false;
  private keyGiven = false;
  /** Waits for the server's key. */
  private kept: Buffer | undefined;
  /** Has been sent on a secure leg; overwritten as soon as the server shows that it was read. */
  private sent: Buffer | undefined;

  constructor(conversation: MysqlConversation) {
    this.conversation = conversation;
  }

  /** A log-in has been sent on. @param ahead see there @param sequence of the log-in on the client's leg */
  begin(plugin: string, ahead: number, sequence: number, scramble?: Buffer): void {
    this.active = true;
    this.ahead = ahead;
    this.passed(sequence, 'server');
    if (scramble !== undefined) this.scramble = scramble;
    this.choose(plugin);
  }

  /** The client's packets are none of this exchange. */
  get over(): boolean {
    return !this.active;
  }

  /** Sequence id of the next packet that the client is to get, once it has answered what it was asked. */
  get nextForClient(): number {
    return this.last + (this.turn === 'client' ? 2 : 1);
  }

  /** A sequence id of the server's leg as the client counts. */
  forClient(sequence: number): number {
    return this.active ? (sequence + this.ahead) & 0xff : sequence;
  }

  /**
   * A response or COM_CHANGE_USER as it may be sent to the server, a copy; undefined: it may not, the session is over. What
   * was answered for one kind of leg, in a plugin that sends passwords, is left out: the server will ask.
   */
  mayLeave(buf: Buffer, start: number, end: number, login: Login): Buffer | undefined {
    const { plugin, authResponse } = login;
    if (authResponse.end > authResponse.start) {
      if (this.legsDiffer && plugin === 'sha256_password') return unanswered(buf, start, end, login);
      if (this.refuses(plugin)) return undefined;
    }
    return Buffer.from(buf.subarray(start, end));
  }

  fromServer(buf: Buffer, start: number, end: number): void {
    this.forget('sent');
    // An error of ours takes the place of this packet.
    this.conversation.sequence = this.forClient(buf[start + 3] ?? 0) - 1;
    const packet = readAuthPacket(buf, start, end);
    if (packet.kind === 'more' && this.kept !== undefined)
      return this.encrypted(buf[start + 3] ?? 0, packet.data);
    this.follow(packet);
    if (this.conversation.output.ending) return;
    this.pass('client', buf, start, end);
    this.passed(
      this.forClient(buf[start + 3] ?? 0),
      cachingSha2State(packet) === 'fast' ? 'server' : 'client',
    );
    if (packet.kind === 'ok' || packet.kind === 'error') this.end();
  }

  fromClient({ buf, start, end, sequence }: Framer): void {
    this.passed(sequence, 'server');
    if (!this.passwordDue || !this.legsDiffer || isEmptyPassword(buf, start, end))
      return this.pass('server', buf, start, end);
    const keyWanted = !this.keyGiven && isPublicKeyRequest(this.plugin, buf, start, end);
    if (this.conversation.secure.client) {
      if (!keyWanted) return this.clear(buf, start, end);
      // A driver that does not trust its unix socket, or its TLS: it will encrypt for the server by itself.
      this.passwordDue = false;
      return this.pass('server', buf, start, end);
    }
    if (keyWanted) {
      this.keyGiven = true;
      const key = writeMoreData((sequence + 1) & 0xff, this.keys.publicKey);
      this.passed(sequence + 1, 'client');
      return this.conversation.output.toClient(key);
    }
    this.decrypted(buf, start, end);
  }

  /** Nothing more is expected; to be called too when the connection is lost. */
  end(): void {
    this.active = false;
    this.passwordDue = false;
    this.forget('kept');
    this.forget('sent');
  }

  private passed(last: number, turn: Side): void {
    this.last = last;
    this.turn = turn;
  }

  private get keys(): PasswordKeys {
    const { passwords } = this.conversation.options;
    if (passwords === undefined) throw new Error('authentication: legs that differ, and no keys');
    return passwords;
  }

  private get legsDiffer(): boolean {
    const { client, server } = this.conversation.secure;
    return client !== server;
  }

  private follow(packet: AuthPacket): void {
    if (packet.kind === 'switch' || packet.kind === 'next-factor') {
      this.choose(packet.plugin);
      if (packet.data.length >= scrambleBytes)
        this.scramble = Buffer.from(packet.data.subarray(0, scrambleBytes));
      this.refuses(packet.plugin);
    } else if (packet.kind === 'old-switch') this.choose('mysql_old_password');
    else if (this.plugin === 'caching_sha2_password' && cachingSha2State(packet) === 'full')
      this.passwordDue = true;
  }

  /** A client that has TLS may believe that its password has, too. */
  private refuses(plugin: string): boolean {
    const { client, server } = this.conversation.secure;
    if (!client || server || plugin === 'sha256_password' || !revealing(plugin)) return false;
    const why =
      `${plugin} may send the password as it is, and the connection to the server has no TLS; ` +
      'set server_tls.mode to require, or use another plugin';
    this.conversation.refuse(errno.secureTransportRequired, '08004', why);
    return true;
  }

  private choose(plugin: string): void {
    this.plugin = plugin;
    this.passwordDue = plugin === 'sha256_password';
    this.keyGiven = false;
  }

  /** From a secure client to a plain server: its key is asked for, the password waits. */
  private clear(buf: Buffer, start: number, end: number): void {
    const from = start + headerBytes;
    const sequence = this.forServer(buf[start + 3] ?? 0);
    if (this.kept !== undefined) throw new ProtocolViolation('a second password');
    const whole = end - from <= maxPasswordBytes && buf[end - 1] === 0;
    if (whole) this.kept = Buffer.from(buf.subarray(from, end));
    buf.fill(0, from, end);
    if (!whole) return this.denied('the password is longer than 256 bytes or does not end');
    this.conversation.output.toServer(writePublicKeyRequest(sequence, this.plugin));
  }

  private encrypted(sequence: number, key: Buffer): void {
    const { kept = empty, scramble, conversation } = this;
    if (scramble.length === 0) throw new ProtocolViolation('a key without a scramble');
    maskPassword(kept, scramble);
    const block = this.keys.encrypt(key, kept);
    this.forget('kept');
    this.passwordDue = false;
    if (block === undefined) return this.denied("the password cannot be encrypted with the server's RSA key");
    conversation.output.toServer(writePacket((sequence + 1) & 0xff, block));
    // Two packets that the client knows nothing of: the request and the key.
    this.ahead -= 2;
  }

  /** From a plain client to a secure server. */
  private decrypted(buf: Buffer, start: number, end: number): void {
    const { conversation, scramble } = this;
    if (!this.keyGiven) {
      return this.denied(
        `the client encrypted the password with an RSA key that it was given before, which is the server's and not ` +
          `Interlock's; let it ask for the key (get-server-public-key, allowPublicKeyRetrieval) or use TLS`,
      );
    }
    const secret = this.keys.decrypt(buf.subarray(start + headerBytes, end));
    this.passwordDue = false;
    if (secret !== undefined) maskPassword(secret, scramble);
    const length = secret?.indexOf(0) ?? -1;
    if (secret === undefined || length < 0 || length >= maxPasswordBytes) {
      secret?.fill(0);
      return this.denied("the password was not encrypted with Interlock's RSA key");
    }
    // The request and the key stayed on this side.
    this.ahead += 2;
    this.sent = writePacket(this.forServer(buf[start + 3] ?? 0), secret.subarray(0, length + 1));
    secret.fill(0);
    conversation.output.toServer(this.sent);
  }

  private denied(why: string): void {
    this.conversation.refuse(errno.accessDenied, '28000', why);
  }

  private forServer(sequence: number): number {
    return (sequence - this.ahead) & 0xff;
  }

  private pass(to: Side, buf: Buffer, start: number, end: number): void {
    const { output } = this.conversation;
    const sequence = buf[start + 3] ?? 0;
    const own = to === 'client' ? this.forClient(sequence) : this.forServer(sequence);
    const packet = own === sequence ? undefined : sequencedHeader(buf, start, own);
    if (to === 'client') {
      if (packet !== undefined) output.toClient(packet);
      output.toClient(buf, packet === undefined ? start : start + headerBytes, end);
    } else {
      if (packet !== undefined) output.toServer(packet);
      output.toServer(buf, packet === undefined ? start : start + headerBytes, end);
    }
  }

  private forget(which: 'kept' | 'sent'): void {
    this[which]?.fill(0);
    this[which] = undefined;
  }
}

/** A single NUL in any form of leg. */
function isEmptyPassword(buf: Buffer, start: number, end: number): boolean {
  return end - start === headerBytes + 1 && buf[start + headerBytes] === 0;
}
