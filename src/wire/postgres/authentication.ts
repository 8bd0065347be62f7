/** The server's AuthenticationSASL: the list of mechanisms, and the same without channel binding (RFC 5802, RFC 5929). */
import { Cursor } from './cursor.ts';
import { writeAuthenticationSasl } from './writers.ts';

/** Kind of an AuthenticationSASL; other kinds of the same message type are no list. */
const sasl = 10;
/** Mechanisms that bind the log-in to the TLS connection. */
const binding = /-PLUS$/;

/** @returns undefined when it is another authentication message. @throws ProtocolViolation */
export function readSaslMechanisms(buf: Buffer, start: number, end: number): string[] | undefined {
  const cursor = new Cursor(buf, start, end);
  if (cursor.uint32() !== sasl) return undefined;
  const mechanisms: string[] = [];
  for (let name = cursor.name(); name !== ''; name = cursor.name()) mechanisms.push(name);
  return mechanisms;
}

/**
 * For a client that has no TLS although the server has: channel binding is not possible there, and libpq takes the offer
 * of it for an attack.
 * @returns undefined when nothing has to change
 */
export function withoutChannelBinding(buf: Buffer, start: number, end: number): Buffer | undefined {
  const mechanisms = readSaslMechanisms(buf, start, end);
  const left = mechanisms?.filter((name) => !binding.test(name));
  return left === undefined || left.length === mechanisms?.length ? undefined : writeAuthenticationSasl(left);
}
