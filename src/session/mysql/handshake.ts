/**
 * From the server's greeting to the end of authentication: step 1 of a session. Everything is relayed; of the greeting and
 * of the client's answer only capability bits change, so that the two agree on nothing that cannot be followed.
 */
import { agreed, capability, understood } from '../../wire/mysql/capabilities.ts';
import { readAuthPacket } from '../../wire/mysql/authentication.ts';
import { marker } from '../../wire/mysql/codes.ts';
import type { Framer } from '../../wire/mysql/framer.ts';
import { editGreeting, readGreeting } from '../../wire/mysql/greeting.ts';
import { maskResponse, readHandshakeResponse } from '../../wire/mysql/handshake-response.ts';
import type { Capabilities } from '../../wire/mysql/capabilities.ts';
import { readOk } from '../../wire/mysql/server-packets.ts';
import { stripRedirect } from '../../wire/mysql/session-track.ts';
import { ProtocolViolation } from '../../wire/violation.ts';
import type { MysqlConversation } from './conversation.ts';

export class Handshake {
  done = false;
  private readonly conversation: MysqlConversation;
  private phase: 'greeting' | 'response' | 'authentication' = 'greeting';
  private offered: Capabilities = understood(false);

  constructor(conversation: MysqlConversation) {
    this.conversation = conversation;
  }

  fromServer({ type, buf, start, end }: Framer): void {
    const { conversation } = this;
    if (this.phase === 'greeting') {
      if (type === marker.error) return conversation.output.toClient(buf, start, end);
      return this.greeting(buf, start, end);
    }
    const { kind } = readAuthPacket(buf, start, end);
    if (kind === 'ok') return this.loggedIn(buf, start, end);
    conversation.output.toClient(buf, start, end);
  }

  fromClient({ buf, start, end }: Framer): void {
    const { conversation } = this;
    if (this.phase === 'greeting') throw new ProtocolViolation('the client spoke before the server');
    if (this.phase === 'response') return this.response(buf, start, end);
    conversation.output.toServer(buf, start, end);
  }

  private greeting(buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    const { version, capabilities } = readGreeting(buf, start, end);
    conversation.speak(version);
    this.offered = agreed(capabilities, understood(false));
    this.phase = 'response';
    conversation.output.toClient(editGreeting(buf, start, end, this.offered));
  }

  private response(buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    const response = readHandshakeResponse(buf, start, end);
    if (response.kind === 'ssl') throw new ProtocolViolation('TLS was not offered');
    conversation.capabilities = agreed(this.offered, response.capabilities);
    conversation.tracker.agree(conversation.capabilities);
    if (response.collation !== undefined) conversation.useCollation(response.collation);
    this.phase = 'authentication';
    conversation.begin({
      listener: conversation.options.listener,
      user: response.user,
      database: response.database,
      application: response.attributes.get('program_name') ?? '',
    });
    // CLIENT_MYSQL is not offered by MariaDB: a client that sets it says that it sends no extended flags.
    const allowed = { ...this.offered, flags: (this.offered.flags | capability.mysql) >>> 0 };
    conversation.output.toServer(
      maskResponse(buf, start, end, allowed) ?? Buffer.from(buf.subarray(start, end)),
    );
  }

  private loggedIn(buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    const { flags } = conversation.capabilities;
    const { status } = readOk(buf, start, end, flags);
    conversation.output.toClient(
      stripRedirect(buf, start, end, flags) ?? Buffer.from(buf.subarray(start, end)),
    );
    this.done = true;
    conversation.loggedIn();
    conversation.statusFlags(status);
  }
}
