/**
 * The client's first packets, which have no type byte (protocol.md, PostgreSQL 1 to 6): encryption requests are answered
 * here, a cancel request goes to a connection of its own, the start-up message is relayed as it came.
 */
import { readStartup } from '../../wire/postgres/startup.ts';
import { ProtocolViolation } from '../../wire/violation.ts';
import type { Conversation } from './conversation.ts';

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
      case 'ssl':
      case 'gss':
        // Bytes behind the request would be taken for encrypted ones later (CVE-2021-23214).
        if (rest.length > 0) throw new ProtocolViolation('bytes behind an encryption request');
        if (this.asked.has(packet.kind))
          throw new ProtocolViolation('a second encryption request of the same kind');
        this.asked.add(packet.kind);
        this.pending = Buffer.alloc(0);
        conversation.output.toClient(no);
        return undefined;
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

  private begin(bytes: Buffer, parameters: Map<string, string>): void {
    const { conversation } = this;
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
