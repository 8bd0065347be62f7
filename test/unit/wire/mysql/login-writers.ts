/** Greetings and log-in packets, as a fake server or a bare client of the tests sends them. */
import { capability, has, type Capabilities } from '../../../../src/wire/mysql/capabilities.ts';
import { lenenc } from '../../../../src/wire/mysql/lenenc.ts';
import { writePacket } from '../../../../src/wire/mysql/writers.ts';

export interface GreetingFields {
  versionText: string;
  connectionId: number;
  /** 20 bytes. */
  scramble: Buffer;
  capabilities: Capabilities;
  plugin: string;
}

export function writeGreeting(fields: GreetingFields): Buffer {
  const { versionText, connectionId, scramble, capabilities, plugin } = fields;
  const middle = Buffer.alloc(32);
  middle.writeUInt32LE(connectionId);
  scramble.copy(middle, 4, 0, 8);
  middle.writeUInt16LE(capabilities.flags & 0xffff, 13);
  middle[15] = 45;
  middle.writeUInt16LE(2, 16);
  middle.writeUInt16LE(capabilities.flags >>> 16, 18);
  middle[20] = scramble.length + 1;
  if (!has(capabilities.flags, capability.mysql)) middle.writeUInt32LE(capabilities.mariadb, 27);
  const parts = [
    Buffer.from(`\x0a${versionText}\0`, 'latin1'),
    middle.subarray(0, 31),
    scramble.subarray(8),
    Buffer.from(`\0${plugin}\0`, 'latin1'),
  ];
  return writePacket(0, Buffer.concat(parts));
}

export interface ResponseFields {
  user: string;
  capabilities: Capabilities;
  database?: string;
  plugin?: string;
  authResponse?: Buffer;
  attributes?: Record<string, string>;
}

/** The capabilities decide which fields are written. PLUGIN_AUTH_LENENC_CLIENT_DATA or SECURE_CONNECTION is assumed. */
export function writeResponse(fields: ResponseFields, sequence = 1): Buffer {
  const { flags, mariadb } = fields.capabilities;
  const fixed = Buffer.alloc(32);
  fixed.writeUInt32LE(flags >>> 0, 0);
  fixed.writeUInt32LE(0x1000000, 4);
  fixed[8] = 45;
  fixed.writeUInt32LE(mariadb, 28);
  const auth = fields.authResponse ?? Buffer.alloc(0);
  const parts = [fixed, Buffer.from(`${fields.user}\0`, 'latin1'), Buffer.from([auth.length]), auth];
  if (has(flags, capability.connectWithDb)) parts.push(Buffer.from(`${fields.database ?? ''}\0`, 'latin1'));
  if (has(flags, capability.pluginAuth)) parts.push(Buffer.from(`${fields.plugin ?? ''}\0`, 'latin1'));
  if (has(flags, capability.connectAttrs)) {
    const texts = Object.entries(fields.attributes ?? {}).flat();
    const block = Buffer.concat(
      texts.flatMap((text) => [lenenc(Buffer.byteLength(text, 'latin1')), Buffer.from(text, 'latin1')]),
    );
    parts.push(lenenc(block.length), block);
  }
  return writePacket(sequence, Buffer.concat(parts));
}
