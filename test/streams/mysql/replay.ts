/**
 * Recorded conversations (test/unit/wire/mysql/recordings) through a session, turn by turn as they were held, in chunks of
 * the caller's choice. What must come out is derived here from the recording without the help of src/wire.
 */
import type { Actions, Session, SessionEvent, Side } from '../../../src/session/types.ts';
import { createMysqlSession } from '../../../src/session/mysql/session.ts';
import type { Mode } from '../../../src/patterns/rule.ts';
import type { Recording } from '../../unit/wire/mysql/recording.ts';
import { plainLimits, ruleSet, sharedState } from '../session.ts';
import type { Cut } from '../drive.ts';

export interface Replay {
  toServer: Buffer;
  toClient: Buffer;
  events: SessionEvent[];
  session: Session;
  ended: boolean;
}

/** A recording as bytes. */
export interface Turns {
  label: string;
  turns: { name: string; client: Buffer; server: Buffer }[];
}

export function turnsOf({ engine, set, turns }: Recording): Turns {
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
  return {
    label: `${engine}, ${set}`,
    turns: turns.map(({ name, client, server }) => ({ name, client: bytes(client), server: bytes(server) })),
  };
}

/** One for all sessions, as in the proxy. */
const shared = sharedState();

export function replay({ turns }: Turns, mode: Mode, cut: Cut): Replay {
  const session = createMysqlSession({
    listener: 'test',
    rules: ruleSet({ mode, tablesNamed: true }),
    limits: plainLimits,
    shared,
    server: 'fake:3306',
    wakeSoon: () => undefined,
  });
  const out = { toServer: [] as Buffer[], toClient: [] as Buffer[], events: [] as SessionEvent[] };
  const sent = { client: 0, server: 0 };
  let now = 1000;
  let ended = false;
  const take = ({ toServer, toClient, events, end }: Actions): void => {
    // Copies: the chunk they are views of is overwritten next.
    out.toServer.push(...toServer.map((buffer) => Buffer.from(buffer)));
    out.toClient.push(...toClient.map((buffer) => Buffer.from(buffer)));
    out.events.push(...events);
    ended ||= end;
  };
  const give = (side: Side, bytes: Buffer): void => {
    for (const chunk of cut(side, bytes, sent[side])) {
      const lent = Buffer.from(chunk);
      take(session.receive(side, lent, (now += 0.01)));
      lent.fill(0xee);
    }
    sent[side] += bytes.length;
  };
  for (const { client, server } of turns) {
    if (client.length > 0) give('client', client);
    if (server.length > 0) give('server', server);
  }
  session.closed();
  const { toServer, toClient, events } = out;
  return { toServer: Buffer.concat(toServer), toClient: Buffer.concat(toClient), events, session, ended };
}

/** CLIENT_COMPRESS and CLIENT_SSL; in the upper half OPTIONAL_RESULTSET_METADATA, ZSTD and bit 29. */
const hiddenLower = 0x0820;
const hiddenUpper = 0x2600;
/** MariaDB: progress reports, COM_MULTI. */
const hiddenExtended = 0x03;

/** The greeting as the client has to see it, by the offsets of Protocol::HandshakeV10. */
export function greetingForClient(greeting: Buffer): Buffer {
  const edited = Buffer.from(greeting);
  const lowerAt = edited.indexOf(0, 5) + 1 + 4 + 8 + 1;
  const upperAt = lowerAt + 2 + 1 + 2;
  const lower = edited.readUInt16LE(lowerAt);
  edited.writeUInt16LE(lower & ~hiddenLower, lowerAt);
  edited.writeUInt16LE(edited.readUInt16LE(upperAt) & ~hiddenUpper, upperAt);
  const extendedAt = upperAt + 2 + 1 + 6;
  if ((lower & 1) === 0)
    edited.writeUInt32LE((edited.readUInt32LE(extendedAt) & ~hiddenExtended) >>> 0, extendedAt);
  return edited;
}

/** As record.ts has set it, and whoever else wants this module to take it out. */
export const redirectUrl = 'mysql://elsewhere:3306';
/** System variable (0), 36 bytes, name of 12 bytes, value of 22 bytes. */
const redirect = Buffer.from(`\x00\x24\x0credirect_url\x16${redirectUrl}`, 'latin1');

/** An OK packet with redirect_url among its state changes, without it. All lengths are below 251. */
export function withoutRedirect(bytes: Buffer): Buffer {
  const at = bytes.indexOf(redirect);
  if (at < 0) return bytes;
  const edited = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + redirect.length)]);
  edited.writeUIntLE(bytes.readUIntLE(0, 3) - redirect.length, 0, 3);
  // Header, OK, two lengths, status, warnings, info with its length: then the length of all changes.
  const changesAt = 12 + (bytes[11] ?? 0);
  edited[changesAt] = (bytes[changesAt] ?? 0) - redirect.length;
  return edited;
}

/** MARIADB_CLIENT_BULK_UNIT_RESULTS, which 10.11 does not know and the recorder sets: the proxy takes it out. */
const bulkUnitResults = 0x20;

function loginForServer(label: string, login: Buffer): Buffer {
  if (label !== 'mariadb-10.11, cached-modern') return login;
  const edited = Buffer.from(login);
  edited[4 + 28] = (login[4 + 28] ?? 0) & ~bulkUnitResults;
  return edited;
}

export function expected({ label, turns }: Turns): { toServer: Buffer; toClient: Buffer } {
  return {
    toServer: Buffer.concat(
      turns.map(({ client }, at) => (at === 1 ? loginForServer(label, client) : client)),
    ),
    toClient: Buffer.concat(
      turns.map(({ server }, at) => (at === 0 ? greetingForClient(server) : withoutRedirect(server))),
    ),
  };
}
