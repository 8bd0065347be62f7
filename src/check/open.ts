/** What the checks of both protocols ask of a listener's legs: its server's connection, as the proxy would open it, and certificates. */
import { X509Certificate } from 'node:crypto';
import type { ListenerConfig } from '../config/load.ts';
import { readPem } from '../config/pem.ts';
import type { ServerTlsConfig } from '../config/tls.ts';
import { Opening, type Opened, type Target } from '../proxy/open-server.ts';
import type { TlsFailure } from '../proxy/tls.ts';

/** Says why, and the remedy where there is one. */
export class CannotConnect extends Error {
  constructor({ reason, hint }: TlsFailure) {
    super(hint === undefined ? reason : `${reason}. ${hint}`);
  }
}

/** @throws CannotConnect */
export async function openServer(target: Target, timeoutMs: number): Promise<Opened> {
  const result = await new Promise<Opened | TlsFailure>((resolve) => {
    void new Opening(target, { connectTimeout: timeoutMs, keepAlive: 0 }, resolve);
  });
  if ('reason' in result) throw new CannotConnect(result);
  return result;
}

/** What the listener shows to its clients; undefined: they connect plain. */
export function ownCertificate({ tls }: ListenerConfig): X509Certificate | undefined {
  return tls && new X509Certificate(readPem(tls.files).cert ?? '');
}

/** Whether anything is checked of the server's certificate. */
export function trust({ mode, verify }: ServerTlsConfig): string {
  return verify ? `verified (${mode})` : `not verified (${mode})`;
}
