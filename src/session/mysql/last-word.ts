/** The proxy's own last word as an ERR packet. */
import { errno } from '../../wire/mysql/codes.ts';
import { writeErr } from '../../wire/mysql/writers.ts';
import { fatalCodes, type FatalCode, type LastWord } from '../last-word.ts';

/** ER_* numbers that say the same as the SQLSTATE, and MySQL's own SQLSTATE of each. */
const errors: Record<FatalCode, { errno: number; sqlstate: string }> = {
  [fatalCodes.cannotConnect]: { errno: errno.connectToForeignServer, sqlstate: '08001' },
  [fatalCodes.connectionLost]: { errno: errno.netReadError, sqlstate: '08S01' },
  [fatalCodes.tooManyConnections]: { errno: errno.tooManyConnections, sqlstate: '08004' },
  [fatalCodes.loginTimeout]: { errno: errno.netReadInterrupted, sqlstate: '08S01' },
  [fatalCodes.shutdown]: { errno: errno.serverShutdown, sqlstate: '08S01' },
  [fatalCodes.idleTimeout]: { errno: errno.clientInteractionTimeout, sqlstate: 'HY000' },
};

/** @param greeted else it takes the place of the greeting, where errors have no SQLSTATE */
export function writeLastWord(sequence: number, greeted: boolean, { code, message, hint }: LastWord): Buffer {
  const error = errors[code];
  return writeErr(sequence & 0xff, {
    ...error,
    ...(!greeted && { sqlstate: '' }),
    message: hint === undefined ? message : `${message}. ${hint}`,
  });
}
