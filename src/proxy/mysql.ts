/** MySQL and MariaDB as a Protocol of the proxy. */
import { createMysqlSession } from '../session/mysql/session.ts';
import type { SessionOptions } from '../session/types.ts';
import { errno } from '../wire/mysql/codes.ts';
import { command } from '../wire/mysql/commands.ts';
import { writeCommand, writeErr } from '../wire/mysql/writers.ts';
import { fatalCodes } from './types.ts';
import type { FatalCode, Protocol } from './types.ts';

/** ER_* numbers that say the same as the SQLSTATE. */
const errnos: Record<FatalCode, number> = {
  [fatalCodes.cannotConnect]: errno.connectToForeignServer,
  [fatalCodes.connectionLost]: 1158, // ER_NET_READ_ERROR
  [fatalCodes.tooManyConnections]: 1040, // ER_CON_COUNT_ERROR
  [fatalCodes.loginTimeout]: 1159, // ER_NET_READ_INTERRUPTED
  [fatalCodes.shutdown]: 1053, // ER_SERVER_SHUTDOWN
};

/** TLS is asked for inside the log-in, by the session. */
export const mysqlTls: Pick<Protocol, 'tlsRequest' | 'alpn'> = { tlsRequest: undefined, alpn: undefined };

export function mysql(
  options: Pick<SessionOptions, 'rules' | 'limits' | 'shared' | 'passwords' | 'recorder'>,
): Protocol {
  return {
    createSession: (connection) => createMysqlSession({ ...options, ...connection }),
    // Before log-in and out of the blue alike an ERR packet has the sequence id 0 and no SQLSTATE.
    fatal: (code, message, hint) =>
      writeErr(0, {
        errno: errnos[code],
        sqlstate: '',
        message: hint === undefined ? message : `${message}. ${hint}`,
      }),
    serverFirst: true,
    goodbye: writeCommand(command.quit),
    ...mysqlTls,
  };
}
