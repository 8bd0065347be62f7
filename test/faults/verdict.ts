/** What a client may have got on a broken network: what the direct connection would have given, or less of it and one error. */
import type { Result } from './rig.ts';
import type { Scene } from './scenes.ts';

/** @returns what is wrong; undefined: nothing */
export function verdict(
  scene: Scene,
  { toClient, unexpected, crashed, events, brokenOff, serverFin, refused }: Result,
): string | undefined {
  if (crashed.length > 0) return `crashed: ${crashed.join(', ')}`;
  if (unexpected.length > 0) return `the server got ${unexpected.join(', ')}`;
  // A peer that breaks off says nothing wrong: nothing that it said may be taken for an error of protocol.
  if (events.length > 0) return `events: ${events.join(', ')}`;
  const same = commonPrefix(scene.reply, toClient);
  if (!brokenOff && (same < scene.reply.length || toClient.length > scene.reply.length || refused.length > 0))
    return `nothing broke, and ${same} of ${scene.reply.length} bytes arrived as they should, ${toClient.length} in all`;
  const starts = messageStarts(scene, scene.reply);
  const last = (bytes: number): number => Math.max(...starts.filter((at) => at <= bytes));
  if (scene.relayed && serverFin !== undefined && same < last(serverFin))
    return `the server sent ${serverFin} bytes and ended, ${same} arrived`;
  if (same === toClient.length) return undefined;
  const start = last(same);
  const error = toClient.subarray(start);
  if (!isOneError(scene, toClient.subarray(0, start), error))
    return `behind ${start} bytes something else than one error: ${error.toString('latin1').slice(0, 200)}`;
  return refused.length === 1 ? undefined : 'an error that the proxy does not know of';
}

function commonPrefix(one: Buffer, other: Buffer): number {
  const most = Math.min(one.length, other.length);
  if (one.subarray(0, most).equals(other.subarray(0, most))) return most;
  for (let at = 0; at < most; at += 1) if (one[at] !== other[at]) return at;
  return most;
}

/** Offsets at which a message begins, and the end. */
function messageStarts({ wire }: Scene, bytes: Buffer): number[] {
  const starts = [0];
  for (let at = 0; at < bytes.length;) {
    at += wire === 'postgres' ? 1 + bytes.readInt32BE(at + 1) : 4 + bytes.readUIntLE(at, 3);
    starts.push(at);
  }
  return starts;
}

/** ErrorResponse of severity FATAL, or an ERR packet with the id of a reply: its first, the next, or the one behind an answer. */
function isOneError(scene: Scene, before: Buffer, bytes: Buffer): boolean {
  if (bytes.length < 9) return false;
  if (scene.wire === 'mysql') {
    const last = before[(messageStarts(scene, before).at(-2) ?? 0) + 3] ?? 0;
    const fits = [0, 1, last + 1, last + 2].includes(bytes[3] ?? -1);
    return fits && bytes.length === 4 + bytes.readUIntLE(0, 3) && bytes[4] === 0xff;
  }
  return bytes[0] === 0x45 && bytes.length === 1 + bytes.readInt32BE(1) && bytes.includes('VFATAL\0');
}
