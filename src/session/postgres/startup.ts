/**
 * The client's first packets, which have no type byte (protocol.md, PostgreSQL 1 to 6): encryption requests are answered
 * here, a cancel request goes to a connection of its own, the start-up message is relayed as it came.
 *
 * Invariant: once TLS has begun nothing asks for encryption again, and no byte that came before it is read after it.
 */
import { readStartup } from '../../wire/postgres/startup.ts';
import { ProtocolViolation } from '../../wire/violation.ts';
import type { Conversation } from './conversation.ts';

const yes = Buffer.from('S', 'latin1');
const no = Buffer.from('N', 'latin1');
/** Length and code of a cancel request; process id and key follow. */
const requestHeaderBytes = 8;

export class Startup {
  done = false;
  private readonly conversation: Conversation;
  private pending: Buffer = Buffer.alloc(0);
  private readonly asked = new Set<string>();

  constructor(conversation: Conversation) {
    this.conversation = conversation;
  }

  /** @returns bytes behind the start-up message, once that has come. @throws ProtocolViolation */
  receive(chunk: Buffer): Buffer | undefined {
    this.pending = this.pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.pending, chunk]);
    const packet = readStartup(this.pending);
    if (packet === undefined) return undefined;
    const rest = this.pending.subarray(packet.bytes.length);
    const { conversation } = this;
    switch (packet.kind) {
      case 'tls':
        return this.direct(packet.bytes);
      case 'ssl':
      case 'gss':
        return this.answer(packet.kind, rest);
      case 'cancel':
        if (!conversation.options.shared.cancels.request(packet.bytes.toString('latin1', requestHeaderBytes)))
          conversation.output.cancel(packet.bytes);
        conversation.output.end();
        return undefined;
      case 'startup':
        this.done = true;
        this.pending = Buffer.alloc(0);
        this.begin(packet.bytes, packet.parameters);
        return rest;
    }
  }

  private answer(kind: 'ssl' | 'gss', rest: Buffer): undefined {
    const { output, encrypted, tls } = this.conversation;
    // Bytes behind the request would be taken for encrypted ones later (CVE-2021-23214).
    if (rest.length > 0) throw new ProtocolViolation('bytes behind an encryption request');
    if (encrypted.client) throw new ProtocolViolation('an encryption request inside TLS');
    if (this.asked.has(kind)) throw new ProtocolViolation('a second encryption request of the same kind');
    this.asked.add(kind);
    this.pending = Buffer.alloc(0);
    const willing = kind === 'ssl' && tls.client !== 'off';
    output.toClient(willing ? yes : no);
    if (willing) output.startTls({ side: 'client' });
  }

  /** As the server does it: the very first byte decides. */
  private direct(hello: Buffer): undefined {
    const { output, encrypted, tls } = this.conversation;
    if (encrypted.client || this.asked.size > 0 || tls.client === 'off')
      throw new ProtocolViolation('TLS handshake without SSLRequest');
    this.pending = Buffer.alloc(0);
    output.startTls({ side: 'client', hello });
  }

  private begin(bytes: Buffer, parameters: Map<string, string>): void {
    const { conversation } = this;
    if (conversation.tls.client === 'require' && !conversation.encrypted.client)
      return conversation.refuse(
        '28000',
        'interlock: this listener takes no connection without TLS',
        'Set sslmode=require or a stricter one in the client, or tls.mode: allow at the listener.',
      );
    const user = parameters.get('user') ?? '';
    conversation.begin({
      listener: conversation.options.listener,
      user,
      // The server's own default.
      database: parameters.get('database') ?? user,
      application: parameters.get('application_name') ?? '',
    });
    conversation.output.toServer(bytes);
    const replication = parameters.get('replication');
    if (replication !== undefined && !/^(false|off|no|0)$/i.test(replication))
      conversation.goRaw('replication');
    else conversation.replies.push({ kind: 'startup', verb: 'forward' });
  }
}
