/** Feeds a session whatever comes, from both sides, and says what is wrong with what it did. */
import type { Actions, Session, Side } from '../../src/session/types.ts';
import type { Piece } from './mutate.ts';

export interface Played {
  received: Record<Side, Buffer>;
  toServer: Buffer;
  toClient: Buffer;
  /** Bytes that had gone to each side when the log-in was over. */
  loginBytes: Record<Side, number>;
  ended: boolean;
  raw: boolean;
  /** Defects that were contained. */
  problems: string[];
}

/** Wake-ups after the last byte; a plan polls its guard until its time is over. */
const lastWakes = 20;

/** Sides are not held back when the session would like to pause one: hostile peers do not listen. */
export function play(
  make: (wakeSoon: () => void) => Session,
  login: readonly Piece[],
  pieces: readonly Piece[],
): Played {
  const out: Record<Side, Buffer[]> = { client: [], server: [] };
  const received: Record<Side, Buffer[]> = { client: [], server: [] };
  const problems: string[] = [];
  let asked = false;
  let handshake: Side | undefined;
  let ended = false;
  let now = 0;
  const session = make(() => {
    asked = true;
  });
  const take = ({ toServer, toClient, startTls, end, events, wakeAt }: Actions): void => {
    // Copies: they are views of a chunk that is overwritten next.
    for (const bytes of toServer) out.server.push(Buffer.from(bytes));
    for (const bytes of toClient) out.client.push(Buffer.from(bytes));
    ended ||= end;
    handshake = startTls?.side;
    for (const event of events) {
      // A Bind that is broken inside is reported as a problem too: it is read only when detection asks for its values.
      if (event.type === 'problem' && !event.message.startsWith('ProtocolViolation'))
        problems.push(event.message);
    }
    if (wakeAt !== undefined) now = Math.max(now, wakeAt);
  };
  const give = ({ side, bytes }: Piece): void => {
    if (ended) return;
    now += 1;
    received[side].push(bytes);
    const lent = Buffer.from(bytes);
    take(session.receive(side, lent, now));
    lent.fill(0xee);
    // Handshakes succeed at once; their bytes are not the session's.
    while (handshake !== undefined && !ended) take(session.secured(handshake, now));
    if (asked && !ended) take(session.wake(now));
    asked = false;
  };
  const sum = (buffers: Buffer[]): number => buffers.reduce((bytes, { length }) => bytes + length, 0);
  for (const piece of login) give(piece);
  const loginBytes = { client: sum(out.client), server: sum(out.server) };
  for (const piece of pieces) give(piece);
  for (let wakes = 0; wakes < lastWakes && !ended; wakes += 1) take(session.wake((now += 50)));
  const { raw } = session;
  session.closed();
  return {
    received: { client: Buffer.concat(received.client), server: Buffer.concat(received.server) },
    toServer: Buffer.concat(out.server),
    toClient: Buffer.concat(out.client),
    loginBytes,
    ended,
    raw,
    problems,
  };
}

/** A session may do what it wants with what it got, but not throw, and not swell. */
export function bounded({ problems, received, toServer, toClient }: Played): string | undefined {
  const all = received.client.length + received.server.length;
  if (problems.length > 0) return `defects: ${problems.join(', ')}`;
  // A plan's catalog question is a few kilobytes; there is at most one plan a statement.
  if (toServer.length > 20 * all + 50_000) return `${toServer.length} bytes to the server for ${all}`;
  if (toClient.length > all + 1000) return `${toClient.length} bytes to the client for ${all}`;
  return undefined;
}

/**
 * Where nothing may be rewritten both directions leave as they came, up to an error of the session's own at the very end.
 * @param errorStart finds where that error begins in what went to the client; -1: there is none
 */
export function faithful(
  played: Played,
  login: readonly Piece[],
  errorStart: (toClient: Buffer) => number,
): string | undefined {
  const { received, toServer, toClient, loginBytes, ended } = played;
  const begun = (side: Side): number =>
    login.reduce((sum, piece) => sum + (piece.side === side ? piece.bytes.length : 0), 0);
  const prefix = (whole: Buffer, part: Buffer): boolean => whole.subarray(0, part.length).equals(part);
  if (!prefix(received.client.subarray(begun('client')), toServer.subarray(loginBytes.server)))
    return 'the server got something that the client did not send';
  const error = errorStart(toClient);
  if (error >= 0 !== ended) return ended ? 'ended without an error' : 'an error without an end';
  const passed = ended ? toClient.subarray(loginBytes.client, error) : toClient.subarray(loginBytes.client);
  // redirect_url is taken out of MariaDB's session tracking.
  if (received.server.includes('redirect_url')) return undefined;
  if (!prefix(received.server.subarray(begun('server')), passed))
    return 'the client got something that the server did not send';
  return undefined;
}

/** ErrorResponse with SQLSTATE 08P01 or XX000: type and length stand in front of the fields. */
export function postgresError(toClient: Buffer): number {
  const at = Math.max(
    toClient.lastIndexOf('SFATAL\0VFATAL\0C08P01\0Minterlock: ', undefined, 'latin1'),
    toClient.lastIndexOf('SFATAL\0VFATAL\0CXX000\0Minterlock: ', undefined, 'latin1'),
  );
  return at < 0 ? -1 : at - 5;
}

/** ERR packet after log-in: header, 0xff, error number, `#` and SQLSTATE in front of the text; before it none of the last. */
export function mysqlError(toClient: Buffer): number {
  const at = toClient.lastIndexOf('interlock: ', undefined, 'latin1');
  if (at < 0) return -1;
  return toClient[at - 6] === 0x23 ? at - 13 : at - 7;
}
