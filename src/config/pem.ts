/** Reads and checks PEM files. Certificates are replaced while the process runs, so this happens again and again. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

/** Paths. A certificate comes with its key. */
export interface PemFiles {
  cert?: string | undefined;
  key?: string | undefined;
  ca?: string | undefined;
}

export interface Pem {
  cert?: Buffer;
  key?: Buffer;
  ca?: Buffer[];
}

type FileKind = keyof PemFiles;

export class PemError extends Error {
  override readonly name = 'PemError';
  readonly file: FileKind;

  constructor(file: FileKind, message: string) {
    super(message);
    this.file = file;
  }
}

/** @throws PemError when a file cannot be read, is no PEM, or when certificate and key do not belong together */
export function readPem(files: PemFiles): Pem {
  const pem: Pem = {};
  if (files.cert !== undefined) pem.cert = read('cert', files.cert);
  if (files.key !== undefined) pem.key = read('key', files.key);
  if (files.ca !== undefined) pem.ca = [read('ca', files.ca)];
  if (pem.ca !== undefined) parse('ca', files.ca ?? '', pem.ca[0], (text) => new X509Certificate(text));
  if (pem.cert === undefined || pem.key === undefined) return pem;
  const certificate = parse('cert', files.cert ?? '', pem.cert, (text) => new X509Certificate(text));
  const key = parse('key', files.key ?? '', pem.key, (text) => createPrivateKey(text));
  if (!certificate.checkPrivateKey(key))
    throw new PemError('key', `${files.key}: is not the key of the certificate in ${files.cert}`);
  context('cert', files.cert ?? '', pem);
  return pem;
}

export function pemProblem(files: PemFiles): { file: FileKind; message: string } | undefined {
  try {
    readPem(files);
    return undefined;
  } catch (error) {
    if (error instanceof PemError) return error;
    throw error;
  }
}

function read(file: FileKind, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new PemError(file, `${path}: cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}`);
  }
}

function parse<T>(file: FileKind, path: string, text: Buffer | undefined, reader: (text: Buffer) => T): T {
  try {
    return reader(text ?? Buffer.alloc(0));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const encrypted =
      code === 'ERR_MISSING_PASSPHRASE' || code === 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED';
    const what = file === 'key' ? 'a private key' : 'a certificate';
    throw new PemError(
      file,
      encrypted ? `${path}: has a passphrase, which is not supported` : `${path}: is not ${what} in PEM form`,
    );
  }
}

/** What OpenSSL refuses although it is well formed: a key that is too short, a broken intermediate. */
function context(file: FileKind, path: string, options: SecureContextOptions): void {
  try {
    createSecureContext(options);
  } catch (error) {
    throw new PemError(file, `${path}: ${(error as Error).message}`);
  }
}
