/** Thrown when bytes cannot be what the protocol allows. One class for both protocols, so that a session catches one. */
export { ProtocolViolation } from '../postgres/violation.ts';
