/** What a client answers to a scramble: mysql_native_password, caching_sha2_password and sha256_password, written from the manual. */
import { constants, createHash, publicEncrypt } from 'node:crypto';

const digest = (algorithm: string, ...parts: Buffer[]): Buffer =>
  createHash(algorithm).update(Buffer.concat(parts)).digest();

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, at) => byte ^ (b[at % b.length] ?? 0)));
}

/** @param scramble 20 bytes */
export function answerOf(plugin: string, password: string, scramble: Buffer, tls = false): Buffer {
  const bytes = Buffer.from(password);
  if (bytes.length === 0) return bytes;
  if (plugin === 'mysql_native_password') {
    const once = digest('sha1', bytes);
    return xor(once, digest('sha1', scramble, digest('sha1', once)));
  }
  if (plugin === 'caching_sha2_password') {
    const once = digest('sha256', bytes);
    return xor(once, digest('sha256', digest('sha256', once), scramble));
  }
  // MySQL asks strangers for a plugin by chance, this one among them: a request for the server's key.
  if (plugin === 'sha256_password') return tls ? Buffer.from(`${password}\0`) : Buffer.of(0x01);
  throw new Error(`the raw client does not know ${plugin}`);
}

/** The password for full authentication without TLS, under the server's RSA key (a PEM text). */
export function encryptedPassword(password: string, scramble: Buffer, key: Buffer): Buffer {
  const hidden = xor(Buffer.from(`${password}\0`), scramble);
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING }, hidden);
}
