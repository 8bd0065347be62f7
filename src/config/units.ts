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

/** `10%` -> 0.1; above 0, at most 100 %. */
export const percentage = z.string().transform((text, context): number => {
  const percent = Number(/^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(text)?.[1]);
  if (percent > 0 && percent <= 100) return percent / 100;
  context.addIssue({ code: 'custom', message: 'write a share like 10% or 0.5%, above 0 and at most 100%' });
  return z.NEVER;
});

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

/** MariaDB speaks MySQL's protocol; which of the two a server is, its greeting tells. */
export type ProtocolName = 'postgres' | 'mysql';
export interface ServerAddress extends Endpoint {
  protocol: ProtocolName;
}

const schemes: Record<string, ProtocolName> = {
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
  'mysql:': 'mysql',
  'mariadb:': 'mysql',
};
const defaultPort: Record<ProtocolName, number> = { postgres: 5432, mysql: 3306 };

/**
 * `postgres://db:5432`. The scheme chooses the protocol. User, password and database may stand in it, as in the app's own
 * connection string, and are not used: the client's log-in is relayed. Messages never repeat the URL.
 */
export const serverUrl = z.string().transform((text, context): ServerAddress => {
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  };
  if (!URL.canParse(text)) return refuse('write a URL, for example postgres://db:5432');
  const url = new URL(text);
  const protocol = schemes[url.protocol];
  if (protocol === undefined)
    return refuse('the URL has to begin with postgres://, postgresql://, mysql:// or mariadb://');
  if ((url.search !== '' && url.search !== '?sslmode=disable') || url.hash !== '')
    return refuse('parameters in the URL are not supported yet, TLS to the server (sslmode) included');
  if (url.hostname === '') return refuse('the URL has no host');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { protocol, host, port: url.port === '' ? defaultPort[protocol] : Number(url.port) };
});
