/**
 * Masks what must differ between two sessions on the same server, and nothing else: the backend's pid and cancel key, pids
 * in notifications and in error texts, OIDs of temporary tables. Conversations avoid every other source of difference
 * (clock, random, transaction ids).
 */
import { message } from './messages.ts';

/** `lastOid`: tables with a higher OID were made during the conversation. */
export function mask(messages: Buffer[], lastOid: number): Buffer[] {
  return messages.map((m) => maskOne(m, lastOid));
}

function maskOne(original: Buffer, lastOid: number): Buffer {
  const type = String.fromCharCode(original[0]!);
  switch (type) {
    case 'K':
      // The key's length says something (protocol 3.2), its content does not.
      return message('K', Buffer.alloc(original.length - 5));
    case 'A':
      return message('A', Buffer.alloc(4), original.subarray(9));
    case 'T':
      return maskRowDescription(original, lastOid);
    case 'E':
    case 'N': {
      const text = original.subarray(5).toString('latin1');
      const masked = text.replace(/\b(process|PID) \d+/gi, '$1 #');
      return masked === text ? original : message(type, Buffer.from(masked, 'latin1'));
    }
    default:
      return original;
  }
}

/** RowDescription: per column a name, the table's OID, attribute number, type OID, size, modifier, format. */
function maskRowDescription(original: Buffer, lastOid: number): Buffer {
  const copy = Buffer.from(original);
  for (let at = 7; at < copy.length; at += 18) {
    at = copy.indexOf(0, at) + 1;
    if (copy.readUInt32BE(at) > lastOid) copy.writeUInt32BE(0xffff_ffff, at);
  }
  return copy;
}
