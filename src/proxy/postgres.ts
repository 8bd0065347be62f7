/** PostgreSQL as a Protocol of the proxy. */
import { createPostgresSession } from '../session/postgres/session.ts';
import type { SessionOptions } from '../session/types.ts';
import { client } from '../wire/postgres/codes.ts';
import { alpnProtocol, readSslAnswer, writeSslRequest } from '../wire/postgres/startup.ts';
import { writeBare } from '../wire/postgres/writers.ts';
import type { Protocol } from './types.ts';

/** How its servers are asked for TLS. */
export const postgresTls: Pick<Protocol, 'tlsRequest' | 'alpn'> = {
  tlsRequest: { bytes: writeSslRequest(), answer: readSslAnswer },
  alpn: alpnProtocol,
};

export function postgres(
  options: Pick<SessionOptions, 'rules' | 'limits' | 'shared' | 'recorder'>,
): Protocol {
  return {
    createSession: (connection) => createPostgresSession({ ...options, ...connection }),
    serverFirst: false,
    goodbye: writeBare(client.terminate),
    ...postgresTls,
  };
}
