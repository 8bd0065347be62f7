/** Scalars of the config that need reading: sizes, addresses, server URLs. Each is a zod schema with its own message. */
import { z } from 'zod';

const factor: Record<string, number> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** `64KiB`, `1MiB`, `1GiB` or a number of bytes -> bytes. */
export const byteSize = z.union([
  z.number().int().positive(),
  z
    .string()
    .regex(/^\d+(KiB|MiB|GiB)?$/, 'write a size like 4096, 64KiB, 1MiB or 1GiB')
    .transform((text) => {
      const [, amount = '0', unit = ''] = /^(\d+)(\D*)$/.exec(text) ?? [];
      return Number(amount) * (factor[unit] ?? 1);
    }),
]);

export interface Endpoint {
  host: string;
  port: number;
}

/** `127.0.0.1:6432`, `localhost:6432`, `[::1]:6432`. Port 0: any free one. */
export const endpoint = z.string().transform((text, context): Endpoint => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    context.addIssue({
      code: 'custom',
      message: 'write host:port, for example 127.0.0.1:6432 or [::1]:6432',
    });
    return z.NEVER;
  }
  return { host: match[1] ?? match[2] ?? '', port };
});

export type ProtocolName = 'postgres';
export interface ServerAddress extends Endpoint {
  protocol: ProtocolName;
}

const schemes: Record<string, ProtocolName | 'not yet'> = {
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
  'mysql:': 'not yet',
  'mariadb:': 'not yet',
};
const defaultPort: Record<ProtocolName, number> = { postgres: 5432 };

/**
 * `postgres://db:5432`. The scheme chooses the protocol. Messages never repeat the URL, which may carry a password.
 */
export const serverUrl = z.string().transform((text, context): ServerAddress => {
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  if (!URL.canParse(text)) return refuse('write a URL, for example postgres://db:5432');
  const url = new URL(text);
  const protocol = schemes[url.protocol];
  if (protocol === undefined) return refuse('the URL has to begin with postgres:// or postgresql://');
  if (protocol === 'not yet')
    return refuse('MySQL and MariaDB are not supported yet; the URL has to begin with postgres://');
  if (url.username !== '' || url.password !== '') {
    return refuse(
      "take user and password out of the URL: Interlock has no log-in of its own, it relays the client's",
    );
  }
  if (url.pathname.length > 1)
    return refuse('take the database out of the URL: the client names it when it logs in');
  if (url.search !== '' || url.hash !== '')
    return refuse('parameters in the URL are not supported yet, TLS to the server (sslmode) included');
  if (url.hostname === '') return refuse('the URL has no host');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { protocol, host, port: url.port === '' ? defaultPort[protocol] : Number(url.port) };
});
