/** Thrown when bytes cannot be what the protocol allows: the connection must end, nothing after them can be trusted. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
  /** False: the peer is told nothing, as the server itself closes without a word. */
  readonly answered: boolean;

  constructor(message: string, answered = true) {
    super(message);
    this.answered = answered;
  }
}
