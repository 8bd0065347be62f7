/** One command of a plan and what came back. MySQL answers one command after the other: an error skips nothing. */
import type { ReplyShape } from '../../wire/mysql/commands.ts';
import type { ErrPacket } from '../../wire/mysql/server-packets.ts';

export class Request {
  readonly packet: Buffer;
  readonly shape: ReplyShape;
  /** Bytes of the reply that are kept for the client; undefined: the reply is ours alone. */
  readonly holdBytes: number | undefined;
  error: ErrPacket | undefined;
  /** The ERR packet, numbered as the first of a reply. */
  errorBytes: Buffer[] = [];
  /** Text rows, when the reply is ours alone. */
  rows: (string | null)[][] = [];
  rowCount = 0;
  affected = 0;
  statementId = 0;
  flags: number | undefined;
  held: Buffer[] = [];
  overflow = false;
  private heldBytes = 0;

  constructor(packet: Buffer, shape: ReplyShape, holdBytes?: number) {
    this.packet = packet;
    this.shape = shape;
    this.holdBytes = holdBytes;
  }

  keep(buf: Buffer, start: number, end: number): void {
    if (this.holdBytes === undefined || this.overflow) return;
    this.heldBytes += end - start;
    if (this.heldBytes > this.holdBytes) {
      this.overflow = true;
      this.held = [];
      return;
    }
    this.held.push(Buffer.from(buf.subarray(start, end)));
  }
}
