/**
 * RSA for the passwords of MySQL's clients where the two legs are not equally secure: a key pair of the process's own, made
 * when it starts and never written anywhere. Edge, because keys and padding are random.
 */
import { constants, createPublicKey, generateKeyPair, privateDecrypt, publicEncrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { PasswordKeys } from '../session/types.ts';

/** As MySQL's own automatic key: clients size their password by it. */
const modulusBits = 2048;
const padding = constants.RSA_PKCS1_OAEP_PADDING;

export async function createPasswordKeys(): Promise<PasswordKeys> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: modulusBits });
  return {
    publicKey: Buffer.from(publicKey.export({ type: 'spki', format: 'pem' })),
    decrypt: (block) => attempt(() => privateDecrypt({ key: privateKey, padding }, block)),
    encrypt: (key, secret) => attempt(() => publicEncrypt({ key: createPublicKey(key), padding }, secret)),
  };
}

/** What OpenSSL says about a wrong block or key helps nobody but an attacker. */
function attempt(work: () => Buffer): Buffer | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
