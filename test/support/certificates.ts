/** Certificates that tests make for themselves with openssl: a CA, and leaves that it signs. */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runner } from '../../src/demo/engine-files.ts';

/** Paths of PEM files. */
export interface Certificate {
  cert: string;
  key: string;
}

export interface Authority extends Certificate {
  /** Where every file of this authority is; removed by remove(). */
  folder: string;
  /** @param names DNS names or IP addresses; the first is the common name */
  issue(file: string, names: string[]): Certificate;
  remove(): void;
}

/** Undefined, or why no certificate can be made here. */
export function noOpenssl(): string | undefined {
  if (spawnSync('openssl', ['version']).status === 0) return undefined;
  return 'openssl is not installed';
}

/** @param name common name of the CA */
export function authority(name = 'Interlock test CA'): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'interlock-tls-'));
  // Servers that do not run as root have to get in.
  chmodSync(folder, 0o755);
  const path = (file: string) => join(folder, file);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const ca = { cert: path('ca.pem'), key: path('ca.key') };
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    ca.key,
    '-out',
    ca.cert,
    '-days',
    '3650',
    '-subj',
    `/CN=${name}`,
  );
  const issue = (file: string, names: string[]): Certificate => {
    const leaf = { cert: path(`${file}.pem`), key: path(`${file}.key`) };
    const alternatives = names.map((one) => `${/^[\d.]+$|:/.test(one) ? 'IP' : 'DNS'}:${one}`).join(',');
    const signed = ['-CA', ca.cert, '-CAkey', ca.key, '-addext', `subjectAltName=${alternatives}`];
    const leafOnly = ['-addext', 'basicConstraints=critical,CA:FALSE'];
    const subject = ['-subj', `/CN=${names[0]}`, '-days', '3650'];
    openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      leaf.key,
      '-out',
      leaf.cert,
      ...signed,
      ...leafOnly,
      ...subject,
    );
    const as = runner();
    if (as !== undefined) chownSync(leaf.key, as.uid, as.gid);
    return leaf;
  };
  return { ...ca, folder, issue, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args[0]} ended with ${status}: ${stderr}`);
}
