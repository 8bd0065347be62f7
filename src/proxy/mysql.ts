/** MySQL and MariaDB as a Protocol of the proxy. */
import { createMysqlSession } from '../session/mysql/session.ts';
import type { SessionOptions } from '../session/types.ts';
import { command } from '../wire/mysql/commands.ts';
import { writeCommand } from '../wire/mysql/writers.ts';
import type { Protocol } from './types.ts';

/** TLS is asked for inside the log-in, by the session. */
export const mysqlTls: Pick<Protocol, 'tlsRequest' | 'alpn'> = { tlsRequest: undefined, alpn: undefined };

export function mysql(
  options: Pick<SessionOptions, 'rules' | 'limits' | 'shared' | 'passwords' | 'recorder'>,
): Protocol {
  return {
    createSession: (connection) => createMysqlSession({ ...options, ...connection }),
    serverFirst: true,
    goodbye: writeCommand(command.quit),
    ...mysqlTls,
  };
}
