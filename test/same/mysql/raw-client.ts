/**
 * A client that sends prepared bytes and collects the server's packets whole. It logs in by itself; after that it follows
 * the replies only as far as to know when they are complete, so that what it returns can be compared byte for byte.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { capability, type Capabilities } from '../../../src/wire/mysql/capabilities.ts';
import { command, replyShape, type ReplyShape } from '../../../src/wire/mysql/commands.ts';
import { lastPrepared } from '../../../src/wire/mysql/client-commands.ts';
import { Framer, Head, Message, None } from '../../../src/wire/mysql/framer.ts';
import { readGreeting } from '../../../src/wire/mysql/greeting.ts';
import { writeSslRequest } from '../../../src/wire/mysql/handshake-response.ts';
import { readAuthPacket } from '../../../src/wire/mysql/authentication.ts';
import { LocalInfile, Prepared, ReplyTracker, Text } from '../../../src/wire/mysql/replies.ts';
import { writePacket } from '../../../src/wire/mysql/writers.ts';
import { writeResponse } from '../../unit/wire/mysql/login-writers.ts';
import { inOneWrite, type Cut } from '../raw-client.ts';
import { answerOf, encryptedPassword } from './login.ts';

export interface RawLogin {
  user: string;
  password: string;
  database?: string;
  capabilities: Capabilities;
  attributes?: Record<string, string>;
  /** What the client answers the greeting with; '' lets the server ask for the account's own. */
  plugin?: string;
  /** Certificates are not looked at. */
  tls?: boolean;
}

export interface RawOptions {
  port: number;
  cut?: Cut;
  /** A step that takes longer fails. */
  patienceMs?: number;
}

const most = 1 << 30;
/** MariaDB counts statements over all sessions: an id that it has given to none. */
const nobodys = 0x7fff_fff0;
/** Commands that name a statement. */
const naming = new Set<number>([
  command.stmtExecute,
  command.stmtSendLongData,
  command.stmtClose,
  command.stmtReset,
  command.stmtFetch,
  command.stmtBulkExecute,
]);

export class RawMysql {
  /** Every packet received, headers included; a chain is one. */
  readonly packets: Buffer[] = [];
  /** Places in it of the first answer to a COM_STMT_PREPARE, and of the text of COM_STATISTICS. */
  readonly prepared: number[] = [];
  readonly statistics: number[] = [];
  private readonly statementIds: number[] = [];
  ended = false;
  private socket: Socket;
  private readonly cut: Cut;
  private readonly patienceMs: number;
  private readonly framer = new Framer(most);
  private readonly tracker = new ReplyTracker();
  private due: ReplyShape[] = [];
  private loggedIn = false;
  private fileAsked = false;
  private wake: () => void = () => undefined;

  private constructor(socket: Socket, { cut = inOneWrite, patienceMs = 10_000 }: RawOptions) {
    this.socket = socket;
    this.cut = cut;
    this.patienceMs = patienceMs;
    socket.setNoDelay(true);
    this.listen();
  }

  private listen(): void {
    const end = (): void => {
      this.ended = true;
      this.wake();
    };
    this.socket.on('data', (chunk) => this.receive(chunk));
    this.socket.on('end', end).on('close', end).on('error', end);
  }

  private async encrypt(request: Buffer): Promise<void> {
    const plain = this.socket;
    // As drivers do: the handshake begins right behind the request.
    await this.send(request);
    plain.removeAllListeners('data');
    this.socket = connectTls({ socket: plain, rejectUnauthorized: false });
    this.listen();
  }

  static connect(options: RawOptions): Promise<RawMysql> {
    return new Promise((resolve, reject) => {
      const socket = connect(options.port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawMysql(socket, options));
      });
    });
  }

  /** @returns whether the server let it in; the packets tell the rest */
  async logIn({
    user,
    password,
    database,
    capabilities,
    attributes,
    plugin = '',
    tls = false,
  }: RawLogin): Promise<boolean> {
    const greeting = await this.next(0);
    if (greeting === undefined || greeting[4] === 0xff) return false;
    let { scramble } = readGreeting(greeting, 0, greeting.length);
    const answer = plugin === '' ? Buffer.alloc(0) : answerOf(plugin, password, scramble, tls);
    const flags =
      capabilities.flags |
      (database === undefined ? 0 : capability.connectWithDb) |
      (tls ? capability.ssl : 0);
    const response = writeResponse(
      {
        user,
        capabilities: { ...capabilities, flags },
        plugin,
        authResponse: answer,
        ...(database !== undefined && { database }),
        ...(attributes !== undefined && { attributes }),
      },
      tls ? 2 : 1,
    );
    if (tls) await this.encrypt(writeSslRequest(1, response));
    await this.send(response);
    for (let at = 1; ; at += 1) {
      const packet = await this.next(at);
      if (packet === undefined) return false;
      const read = readAuthPacket(packet, 0, packet.length);
      const reply = (body: Buffer): Promise<void> => this.send(writePacket((packet[3] ?? 0) + 1, body));
      if (read.kind === 'ok') break;
      if (read.kind === 'error') return false;
      if (read.kind === 'switch') {
        scramble = Buffer.from(read.data.subarray(0, 20));
        await reply(answerOf(read.plugin, password, scramble, tls));
      } else if (read.kind === 'more' && read.data[0] === 0x04)
        await reply(tls ? Buffer.from(`${password}\0`) : Buffer.of(0x02));
      else if (read.kind === 'more' && read.data.length > 1)
        await reply(encryptedPassword(password, scramble, read.data));
    }
    this.tracker.agree(capabilities);
    this.loggedIn = true;
    return true;
  }

  /** Commands (sequence id 0) are noted by the reply they cause; anything else belongs to the one before. */
  async send(bytes: Buffer): Promise<void> {
    const own = this.loggedIn ? this.noteCommands(bytes) : bytes;
    for (const piece of this.cut(own)) {
      if (this.ended) return;
      if (!this.socket.write(piece)) await new Promise((resolve) => this.socket.once('drain', resolve));
      // Lets the write reach the socket on its own, else Node joins the pieces.
      else if (piece.length < own.length) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Waits until everything that is due has come, or the server asks for a file; with `end`: until the connection is over. */
  async until(what: 'reply' | 'end'): Promise<void> {
    const complete = (): boolean =>
      what === 'reply' && (this.fileAsked || (this.tracker.done && this.due.length === 0));
    await this.wait(() => complete() || this.ended, what);
    if (what === 'reply' && !complete())
      throw new Error('the connection ended before the reply was complete');
    this.fileAsked = false;
  }

  close(): void {
    this.socket.end();
    this.socket.destroySoon();
  }

  /** The packet with this index, as soon as it is there; undefined: the connection ended before. */
  private async next(index: number): Promise<Buffer | undefined> {
    await this.wait(() => this.packets.length > index || this.ended, `packet ${index}`);
    return this.packets[index];
  }

  /** @returns the bytes with the server's ids of statements in the place of 1, 2 …: the first prepared here, the second … */
  private noteCommands(bytes: Buffer): Buffer {
    const own = Buffer.from(bytes);
    let continued = false;
    for (let at = 0; at < bytes.length;) {
      const length = bytes.readUIntLE(at, 3);
      if (bytes[at + 3] === 0 && !continued && !this.sendsFile) {
        const code = bytes[at + 4] ?? 0;
        if (naming.has(code)) {
          const id = bytes.readUInt32LE(at + 5);
          own.writeUInt32LE(this.statementIds[id - 1] ?? (id === lastPrepared ? id : nobodys), at + 5);
        }
        const shape = length === 0 ? 'ok' : (replyShape(code) ?? 'ok');
        if (shape !== 'none') this.due.push(shape);
      }
      if (length === 0) this.sendsFile = false;
      continued = length === 0xffffff;
      at += 4 + length;
    }
    return own;
  }

  /** Set by whoever answers a request for a file, whose packets may have the sequence id 0 too. */
  sendsFile = false;

  private receive(chunk: Buffer): void {
    const { framer } = this;
    framer.push(chunk);
    for (let step = framer.next(); step !== None; step = framer.next()) {
      if (step === Head) framer.hold();
      else if (step === Message) this.packet();
    }
    this.wake();
  }

  private packet(): void {
    const { type, buf, start, end } = this.framer;
    this.packets.push(Buffer.from(buf.subarray(start, end)));
    if (!this.loggedIn) return;
    if (this.tracker.done) {
      const next = this.due.shift();
      // Said without being asked: the server is going away.
      if (next === undefined) return;
      this.tracker.begin(next);
    }
    const part = this.tracker.packet(type, buf, start, end);
    if (part === LocalInfile) {
      this.fileAsked = true;
      this.sendsFile = true;
    } else if (part === Text) this.statistics.push(this.packets.length - 1);
    else if (part === Prepared) {
      this.prepared.push(this.packets.length - 1);
      this.statementIds.push(this.tracker.statementId);
    }
  }

  private wait(satisfied: () => boolean, what: string): Promise<void> {
    if (satisfied()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const tooLong = setTimeout(() => {
        this.wake = () => undefined;
        reject(new Error(`no ${what} in ${this.patienceMs} ms; received ${this.packets.length} packets`));
      }, this.patienceMs);
      this.wake = () => {
        if (!satisfied()) return;
        clearTimeout(tooLong);
        this.wake = () => undefined;
        resolve();
      };
    });
  }
}
