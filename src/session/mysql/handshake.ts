/**
 * From the server's greeting to the end of authentication: step 1 of a session. Everything is relayed; of the greeting and
 * of the client's answer only capability bits change, so that the two agree on nothing that cannot be followed.
 *
 * TLS is each leg's own: the greeting offers what the listener has, and the client's answer waits until the server's leg is
 * what the configuration wants. Until then nothing but an error is taken from the server, so that nothing that came in the
 * clear counts as said under TLS.
 */
import { agreed, capability, has, noCapabilities, understood } from '../../wire/mysql/capabilities.ts';
import type { Capabilities } from '../../wire/mysql/capabilities.ts';
import { errno, marker } from '../../wire/mysql/codes.ts';
import { command } from '../../wire/mysql/commands.ts';
import type { Framer } from '../../wire/mysql/framer.ts';
import { editGreeting, readGreeting } from '../../wire/mysql/greeting.ts';
import {
  maskResponse,
  readHandshakeResponse,
  writeNobody,
  writeSslRequest,
} from '../../wire/mysql/handshake-response.ts';
import type { HandshakeResponse } from '../../wire/mysql/handshake-response.ts';
import { readErr, readOk } from '../../wire/mysql/server-packets.ts';
import { writeCommand, writePacket } from '../../wire/mysql/writers.ts';
import { ProtocolViolation } from '../../wire/violation.ts';
import type { MysqlConversation } from './conversation.ts';

export class Handshake {
  done = false;
  private readonly conversation: MysqlConversation;
  private phase: 'greeting' | 'response' | 'server-tls' | 'authentication' = 'greeting';
  private offered: Capabilities = noCapabilities;
  private scramble: Buffer = Buffer.alloc(0);
  private clientTls = false;
  private serverTls = false;
  /** The client's answer as the server is to get it. */
  private login: { packet: Buffer; plugin: string } | undefined;
  /** The client is gone: the server is answered in its place, see nobody(). */
  private left = false;

  constructor(conversation: MysqlConversation) {
    this.conversation = conversation;
  }

  fromServer(framer: Framer): void {
    const { conversation } = this;
    const { type, buf, start, end } = framer;
    if (this.left && this.phase === 'authentication') return this.fromServerToNobody(framer);
    if (type === marker.error) {
      conversation.parted = true;
      conversation.refusedLogIn(String(readErr(buf, start, end).errno));
    }
    if (this.phase === 'authentication') {
      if (type === marker.ok) this.loggedIn(buf, start, end);
      else conversation.authentication.fromServer(buf, start, end);
    } else if (type === marker.error) conversation.output.toClient(buf, start, end);
    else if (this.phase === 'greeting') this.greeting(buf, start, end);
    else throw new ProtocolViolation('the server spoke before the client');
  }

  fromClient(framer: Framer): void {
    switch (this.phase) {
      case 'greeting':
        throw new ProtocolViolation('the client spoke before the server');
      case 'response':
        return this.fromStranger(framer);
      case 'server-tls':
        throw new ProtocolViolation('the client spoke before it was asked');
      case 'authentication':
        return this.conversation.authentication.fromClient(framer);
    }
  }

  /** As that of Authentication: in place of the greeting, or behind the client's answer, whether that has come or not. */
  get nextForClient(): number {
    if (this.phase === 'greeting') return 0;
    if (this.phase === 'authentication') return this.conversation.authentication.nextForClient;
    return 2 + Number(this.clientTls);
  }

  /** Before it has answered: a server counts that as an error of the proxy's address, and blocks that after some. */
  clientLeft(): void {
    this.left = true;
    if (this.phase === 'response') this.nobody();
  }

  /** TLS is up on the server's leg. */
  serverSecured(): void {
    if (this.phase !== 'server-tls') throw new Error('handshake: TLS that was not asked for');
    this.authenticate();
  }

  private greeting(buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    const { client, server } = conversation.tls;
    const { version, capabilities, scramble } = readGreeting(buf, start, end);
    conversation.speak(version);
    // An error of ours takes its place.
    conversation.sequence = -1;
    this.serverTls = server !== 'off' && has(capabilities.flags, capability.ssl);
    if (server === 'require' && !this.serverTls) return conversation.refuse(...noServerTls);
    this.scramble = scramble;
    this.offered = withTls(agreed(capabilities, understood(false)), client !== 'off');
    this.phase = 'response';
    if (this.left) return this.nobody();
    conversation.output.toClient(editGreeting(buf, start, end, this.offered));
  }

  private fromStranger({ buf, start, end }: Framer): void {
    const response = readHandshakeResponse(buf, start, end);
    if (response.kind === 'response') return this.answered(response, buf, start, end);
    if (!has(this.offered.flags, capability.ssl)) throw new ProtocolViolation('TLS was not offered');
    if (this.clientTls) throw new ProtocolViolation('a second request for TLS');
    this.clientTls = true;
    this.conversation.output.startTls({ side: 'client' });
  }

  private answered(response: HandshakeResponse, buf: Buffer, start: number, end: number): void {
    const { conversation, clientTls, serverTls } = this;
    conversation.capabilities = agreed(this.offered, response.capabilities);
    if (conversation.tls.client === 'require' && !clientTls) return conversation.refuse(...noClientTls);
    conversation.tracker.agree(conversation.capabilities);
    if (response.collation !== undefined) conversation.useCollation(response.collation);
    conversation.begin({
      listener: conversation.options.listener,
      user: response.user,
      database: response.database,
      application: response.attributes.get('program_name') ?? '',
      optOut: response.attributes.get('interlock') === 'off',
    });
    conversation.secure.client ||= clientTls;
    conversation.secure.server ||= serverTls;
    const answer = conversation.authentication.mayLeave(buf, start, end, response);
    if (answer === undefined) return;
    // CLIENT_MYSQL is not offered by MariaDB: a client that sets it says that it sends no extended flags.
    const allowed = withTls(this.offered, serverTls);
    allowed.flags = (allowed.flags | capability.mysql) >>> 0;
    const packet = maskResponse(answer, 0, answer.length, allowed) ?? answer;
    const request = ((packet[3] ?? 0) - Number(clientTls)) & 0xff;
    packet[3] = request + Number(serverTls);
    this.send(packet, response.plugin, request);
  }

  /** @param request sequence id of the SSLRequest, where there is one */
  private send(packet: Buffer, plugin: string, request: number): void {
    const { output } = this.conversation;
    this.login = { packet, plugin };
    if (!this.serverTls) return this.authenticate();
    this.phase = 'server-tls';
    output.toServer(writeSslRequest(request, packet));
    output.startTls({ side: 'server' });
  }

  /** A well-formed log-in that cannot succeed: the server says no to it, and counts nothing. */
  private nobody(): void {
    this.send(writeNobody(1 + Number(this.serverTls), this.serverTls), '', 1);
  }

  private fromServerToNobody({ type, sequence }: Framer): void {
    const { output } = this.conversation;
    // An anonymous account, perhaps.
    if (type === marker.ok) output.toServer(writeCommand(command.quit));
    if (type === marker.ok || type === marker.error) output.end();
    else output.toServer(writePacket((sequence + 1) & 0xff, Buffer.alloc(0)));
  }

  private authenticate(): void {
    const { conversation, login, clientTls, serverTls } = this;
    if (login === undefined) return;
    this.phase = 'authentication';
    this.login = undefined;
    conversation.output.toServer(login.packet);
    const ahead = Number(clientTls) - Number(serverTls);
    conversation.authentication.begin(login.plugin, ahead, 1 + Number(clientTls), this.scramble);
  }

  private loggedIn(buf: Buffer, start: number, end: number): void {
    const { conversation } = this;
    const { flags } = conversation.capabilities;
    const { status } = readOk(buf, start, end, flags);
    const packet = conversation.withoutRedirect(buf, start, end) ?? Buffer.from(buf.subarray(start, end));
    conversation.authentication.fromServer(packet, 0, packet.length);
    this.done = true;
    conversation.loggedIn();
    conversation.statusFlags(status);
  }
}

/** CLIENT_SSL is each leg's own. */
function withTls({ flags, mariadb }: Capabilities, tls: boolean): Capabilities {
  return { flags: (tls ? flags | capability.ssl : flags & ~capability.ssl) >>> 0, mariadb };
}

const noServerTls = [
  errno.secureTransportRequired,
  '08004',
  'the server does not offer TLS, and server_tls asks for it; enable TLS on the server, or set server_tls.mode to prefer',
] as const;

const noClientTls = [
  errno.secureTransportRequired,
  '08004',
  'this listener takes TLS connections only; use TLS (ssl-mode=REQUIRED, --ssl), or set tls.mode to allow',
] as const;
