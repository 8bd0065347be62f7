/**
 * A conversation: what one or two clients send and what they wait for, as data. `play` runs it against a port and returns
 * everything the server said, a list of messages per client, with only that masked which must differ between two runs.
 */
import { startup, terminate } from './messages.ts';
import { mask } from './mask.ts';
import { RawClient, type Cut, type RawClientOptions } from './raw-client.ts';

export interface Step {
  /** Which client sends: conversations with LISTEN or locks have two. */
  by: 'a' | 'b';
  send?: Buffer | undefined;
  /** Types of messages to wait for, in this order ('Z', '1', 'E' …), 'end' for the end of the connection, '' for nothing. */
  until: string;
}

export interface Conversation {
  name: string;
  steps: Step[];
  /** Parameters of the StartupMessage beyond user and database. */
  parameters?: Record<string, string>;
  version?: number;
  /** The proxy must have rewritten this many statements in it (where it runs in rewrite mode). */
  rewrites?: number;
  /** Times that evidence is looked for, where that is another number. */
  looks?: number;
  /** The proxy has to stop looking: it cannot know what such a message means. */
  raw?: boolean;
  /** Too much to send byte by byte. */
  big?: boolean;
  /** Lowest server version that knows what is used. */
  since?: number;
}

/** One step of the client 'a'. Several buffers go out as one. */
export const step = (until: string, ...send: Buffer[]): Step => ({
  by: 'a',
  send: Buffer.concat(send),
  until,
});
export const stepOfB = (until: string, ...send: Buffer[]): Step => ({
  by: 'b',
  send: Buffer.concat(send),
  until,
});

export interface Target {
  port: number;
  database: string;
  user: string;
  /** Highest OID of the database's own objects: later ones differ from run to run. */
  lastOid: number;
  tls?: RawClientOptions['tls'];
}

export type Transcript = Record<string, Buffer[]>;

export async function play(conversation: Conversation, target: Target, cut: () => Cut): Promise<Transcript> {
  const clients = new Map<string, RawClient>();
  const transcript: Transcript = {};
  try {
    for (const name of new Set(['a', ...conversation.steps.map((s) => s.by)])) {
      const client = await RawClient.connect({
        port: target.port,
        cut: cut(),
        ...(target.tls !== undefined && { tls: target.tls }),
      });
      clients.set(name, client);
      await client.send(startupOf(conversation, target));
      await client.until('Z');
    }
    for (const { by, send, until } of conversation.steps) {
      const client = clients.get(by)!;
      if (send) await client.send(send);
      if (until) await client.until(until);
    }
    for (const [name, client] of clients) {
      // Whatever the server still has to say comes before it hangs up: nothing escapes the comparison.
      await client.send(terminate);
      await client.until('end');
      transcript[name] = mask(client.messages, target.lastOid);
    }
    return transcript;
  } finally {
    for (const client of clients.values()) client.close();
  }
}

function startupOf(conversation: Conversation, { user, database }: Target): Buffer {
  return startup({ user, database, ...conversation.parameters }, conversation.version);
}

/** Undefined if both are the same to the byte, else a sentence that shows the first difference. */
export function firstDifference(direct: Transcript, proxied: Transcript): string | undefined {
  for (const client of Object.keys(direct)) {
    const left = direct[client]!;
    const right = proxied[client] ?? [];
    for (let i = 0; i < Math.max(left.length, right.length); i++) {
      const [l, r] = [left[i], right[i]];
      if (l && r && l.equals(r)) continue;
      return `client ${client}, message ${i + 1}: direct ${show(l)}, proxied ${show(r)}; direct ${types(left)}, proxied ${types(right)}`;
    }
  }
  return undefined;
}

function show(message: Buffer | undefined): string {
  if (!message) return 'nothing';
  const text = JSON.stringify(message.subarray(5, 205).toString('latin1'));
  return `${String.fromCharCode(message[0]!)} of ${message.length} bytes ${text}`;
}

export const types = (messages: Buffer[]): string => {
  const all = messages.map((m) => String.fromCharCode(m[0]!)).join('');
  return all.length > 120 ? `${all.slice(0, 120)}… (${all.length})` : all;
};
