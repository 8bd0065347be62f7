/** Thrown when bytes cannot be what the protocol allows: the connection must end, nothing after them can be trusted. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
}
