/**
 * A batch: private statements that a plan sends in one write, ended by one Sync, so that the server itself skips what
 * follows an error. Always the extended protocol, also in place of a simple query: an injected Query would destroy the
 * client's unnamed statement (protocol.md, PostgreSQL 16).
 */
import type { Parameters, StatementError } from '../../memory/types.ts';
import {
  writeBind,
  writeClose,
  writeDescribe,
  writeExecute,
  writeParse,
  writeSync,
} from '../../wire/postgres/writers.ts';
import type { Expected } from './expected.ts';

/** Name of the private statement and portal. Closed before each use, so that nothing left over is in the way. */
export const privateName = 'interlock_private';
/** Name of the savepoint. PG stacks equal names, and every plan leaves the stack as it was. */
export const savepoint = 'interlock_savepoint';

/** Where and how a command's reply is kept for the client. */
export interface Hold {
  /** The client's portal, or undefined for a simple query. */
  portal: string | undefined;
  /** The client is owed a description of the rows. */
  describe: boolean;
  resultFormats: number[];
  maxRows: number;
  /** Bytes at most; over it `overflow` is set and what was kept is dropped. */
  limit: number;
}

export class Command {
  readonly text: string | Buffer;
  readonly parameters: Parameters | undefined;
  readonly hold: Hold | undefined;
  /** First column of the last row, latin1. */
  value: string | null | undefined;
  tag: string | undefined;
  rows = 0;
  held: Buffer[] = [];
  heldBytes = 0;
  overflow = false;

  constructor(text: string | Buffer, parameters?: Parameters, hold?: Hold) {
    this.text = text;
    this.parameters = parameters;
    this.hold = hold;
  }

  keep(buf: Buffer, start: number, end: number): void {
    if (this.hold === undefined || this.overflow) return;
    this.heldBytes += end - start;
    if (this.heldBytes > this.hold.limit) {
      this.overflow = true;
      this.held = [];
      return;
    }
    this.held.push(Buffer.from(buf.subarray(start, end)));
  }
}

export interface BatchResult {
  /** The first error; commands behind it did not run. */
  error?: {
    error: StatementError;
    bytes: Buffer;
    /** The client's own message in front of the batch failed, not ours. */
    clients: boolean;
    /** It came when statement_timeout had run out; an earlier 57014 is a user's cancel. */
    timedOut: boolean;
  };
  /** The ReadyForQuery that ended it. */
  ready: Buffer;
  status: 'I' | 'T' | 'E';
}

/** @returns the bytes to send, and the replies they will cause */
export function encodeBatch(commands: readonly Command[]): { bytes: Buffer[]; expected: Expected[] } {
  const bytes: Buffer[] = [];
  const expected: Expected[] = [];
  const add = (message: Buffer, entry: Expected): void => {
    bytes.push(message);
    expected.push(entry);
  };
  for (const command of commands) {
    const { hold, parameters } = command;
    const portal = hold?.portal ?? privateName;
    const clients = hold?.portal !== undefined;
    if (!clients) add(writeClose('P', privateName), { kind: 'close', verb: 'skip', command });
    add(writeClose('S', privateName), { kind: 'close', verb: 'skip', command });
    add(writeParse(privateName, command.text, parameters?.types ?? []), {
      kind: 'parse',
      verb: 'skip',
      command,
    });
    const bind = writeBind(
      portal,
      privateName,
      parameters?.formats ?? [],
      parameters?.values ?? [],
      hold?.resultFormats ?? [],
    );
    add(bind, { kind: 'bind', verb: clients ? 'hold' : 'skip', command });
    if (hold?.describe === true) add(writeDescribe('P', portal), { kind: 'describe', verb: 'hold', command });
    add(writeExecute(portal, hold?.maxRows ?? 0), {
      kind: 'execute',
      verb: hold === undefined ? 'skip' : 'hold',
      command,
    });
  }
  add(writeClose('P', privateName), { kind: 'close', verb: 'skip' });
  add(writeClose('S', privateName), { kind: 'close', verb: 'skip' });
  add(writeSync(), { kind: 'sync', verb: 'skip' });
  return { bytes, expected };
}
