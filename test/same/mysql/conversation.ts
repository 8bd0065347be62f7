/**
 * A conversation: what one or two clients send and what they wait for, as data. `play` runs it against a port and returns
 * everything the server said, a list of packets per client, with only that masked which must differ between two runs.
 */
import type { Capabilities } from '../../../src/wire/mysql/capabilities.ts';
import { command } from '../../../src/wire/mysql/commands.ts';
import { writeCommand } from '../../../src/wire/mysql/writers.ts';
import type { Cut } from '../raw-client.ts';
import type { CapabilitySet } from './capability-sets.ts';
import { mask } from './mask.ts';
import { RawMysql, type RawLogin } from './raw-client.ts';

export interface Step {
  /** Which client sends: conversations with locks have two. */
  by: 'a' | 'b';
  send: Buffer;
  /** sent: do not wait, the reply comes later. end: the server hangs up. */
  until: 'reply' | 'sent' | 'end';
}

export interface Conversation {
  name: string;
  /** @param flags agreed capabilities: they decide how commands are written */
  steps(capabilities: Capabilities): Step[];
  /** Too much to send byte by byte. */
  big?: boolean;
  engines?: 'mysql' | 'mariadb';
  /** Only with these sets; else with all that the engine has. */
  sets?: readonly CapabilitySet[];
}

/** One step of the client 'a'. Several buffers go out as one. */
export const step = (...send: Buffer[]): Step => ({ by: 'a', send: Buffer.concat(send), until: 'reply' });
export const stepOfB = (...send: Buffer[]): Step => ({ by: 'b', send: Buffer.concat(send), until: 'reply' });
export const sent = (one: Step): Step => ({ ...one, until: 'sent' });
export const hungUp = (one: Step): Step => ({ ...one, until: 'end' });

export interface Target {
  port: number;
  direct: boolean;
  login: Omit<RawLogin, 'capabilities'>;
}

export type Transcript = Record<string, Buffer[]>;

const quit = writeCommand(command.quit);

export async function play(
  { steps }: Pick<Conversation, 'steps'>,
  capabilities: Capabilities,
  target: Target,
  cut: () => Cut,
): Promise<Transcript> {
  const clients = new Map<string, RawMysql>();
  const transcript: Transcript = {};
  const all = steps(capabilities);
  try {
    for (const name of new Set(['a', ...all.map((one) => one.by)])) {
      const client = await RawMysql.connect({ port: target.port, cut: cut() });
      clients.set(name, client);
      if (!(await client.logIn({ ...target.login, capabilities }))) throw new Error('the log-in failed');
    }
    for (const { by, send, until } of all) {
      const client = clients.get(by)!;
      await client.send(send);
      if (until !== 'sent') await client.until(until);
    }
    for (const [name, client] of clients) {
      // Whatever the server still has to say comes before it hangs up: nothing escapes the comparison.
      await client.send(quit);
      await client.until('end');
      transcript[name] = mask(client, target.direct);
    }
    return transcript;
  } finally {
    for (const client of clients.values()) client.close();
  }
}

/** Undefined if both are the same to the byte, else a sentence that shows the first difference. */
export function firstDifference(direct: Transcript, proxied: Transcript): string | undefined {
  for (const client of Object.keys(direct)) {
    const left = direct[client] ?? [];
    const right = proxied[client] ?? [];
    for (let i = 0; i < Math.max(left.length, right.length); i++) {
      const [l, r] = [left[i], right[i]];
      if (l && r && l.equals(r)) continue;
      const at = l?.findIndex((byte, offset) => byte !== r?.[offset]) ?? 0;
      return `client ${client}, packet ${i + 1} of ${left.length} and ${right.length}: direct ${show(l, at)}, proxied ${show(r, at)}`;
    }
  }
  return undefined;
}

function show(packet: Buffer | undefined, at: number): string {
  if (!packet) return 'nothing';
  const around = packet.subarray(Math.max(0, at - 40), at + 100).toString('latin1');
  return `${packet.length} bytes, at ${at} ${JSON.stringify(around)}`;
}
