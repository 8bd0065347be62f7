/**
 * A MySQL or MariaDB server's end of the wire without a database behind it: log-in, prepared statements, status flags. What
 * a statement answers comes from a brain (script.ts). It is as strict as the real one, because it stands for it: a command
 * that does not begin a sequence, an unknown statement id, a wrong number of parameters or bytes behind them throw.
 */
import { writeGreeting } from '../../unit/wire/mysql/login-writers.ts';
import {
  capability,
  has,
  mariadbCapability,
  type Capabilities,
} from '../../../src/wire/mysql/capabilities.ts';
import type { ColumnDefinition } from '../../../src/wire/mysql/columns.ts';
import { command } from '../../../src/wire/mysql/commands.ts';
import { readExecute, type ParameterType } from '../../../src/wire/mysql/execute.ts';
import * as write from '../../../src/wire/mysql/writers.ts';
import type { Value } from './captures.ts';
import type { Flavour } from './server-state.ts';
import { binaryValue, textValue } from './values.ts';

export type Answer =
  | { kind: 'ok'; affected: number; insertId?: number; info?: string; status?: number }
  | {
      kind: 'rows';
      columns: ColumnDefinition[];
      rows: Value[][];
      status?: number;
      /** MariaDB's metadata caching: the definitions have come with the prepare. */
      omitted?: boolean;
    }
  | { kind: 'error'; errno: number; sqlstate: string; message: string };

export interface Execution {
  sql: string;
  via: 'text' | 'prepared';
  values: (Buffer | null | undefined)[];
}

export type Preparation = { id: number; columns: ColumnDefinition[] } | Extract<Answer, { kind: 'error' }>;

export interface Brain {
  prepare(sql: string): Preparation;
  run(execution: Execution): Answer;
  ping(): Answer;
}

interface Prepared {
  id: number;
  sql: string;
  parameters: number;
  types: readonly ParameterType[] | undefined;
}

const versions: Record<Flavour, string> = { mariadb: '5.5.5-10.11.19-MariaDB-ubu2204', mysql: '9.7.0' };

/** What such a server offers and the proxy lets through, so that a session changes nothing of it. */
export const offered: Record<Flavour, Capabilities> = {
  mariadb: { flags: 0x81bff7de & ~capability.ssl, mariadb: 0x1c },
  mysql: { flags: 0xd9ffffdf & ~capability.ssl, mariadb: 0 },
};

/** `?` outside quotes and comments. */
export function placeholders(sql: string): number {
  const code = sql.replaceAll(/'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`|\/\*[\s\S]*?\*\//g, '');
  return code.split('?').length - 1;
}

export interface FakeServerOptions {
  flavour: Flavour;
  version?: string;
  /** Status flags at log-in. */
  status: number;
}

const autocommit = 2;

export class FakeMysqlServer {
  readonly statements = new Map<number, Prepared>();
  status: number;
  terminated = false;
  readonly #brain: Brain;
  readonly #options: FakeServerOptions;
  #capabilities: Capabilities = { flags: 0, mariadb: 0 };
  #loggedIn = false;
  #last: Prepared | undefined;
  #input: Buffer = Buffer.alloc(0);
  #output: Buffer[] = [];
  #sequence = 0;

  constructor(brain: Brain, options: Partial<FakeServerOptions> = {}) {
    this.#brain = brain;
    this.#options = { flavour: 'mariadb', status: autocommit, ...options };
    this.status = this.#options.status;
  }

  /** The server speaks first. */
  greeting(): Buffer {
    const { flavour, version } = this.#options;
    return writeGreeting({
      versionText: version ?? versions[flavour],
      connectionId: 4711,
      scramble: Buffer.from('abcdefghijklmnopqrst', 'latin1'),
      capabilities: offered[flavour],
      plugin: 'mysql_native_password',
    });
  }

  /** Takes client bytes in any portions. @returns what the server sends to that */
  receive(bytes: Buffer): Buffer {
    this.#input = Buffer.concat([this.#input, bytes]);
    while (this.#input.length >= 4) {
      const length = this.#input.readUIntLE(0, 3);
      if (this.#input.length < 4 + length) break;
      const sequence = this.#input[3] ?? 0;
      const payload = Buffer.from(this.#input.subarray(4, 4 + length));
      this.#input = this.#input.subarray(4 + length);
      this.#packet(sequence, payload);
    }
    const sent = Buffer.concat(this.#output);
    this.#output = [];
    return sent;
  }

  /** Nothing is half received. */
  get settled(): boolean {
    return this.#input.length === 0 && this.#loggedIn;
  }

  #packet(sequence: number, payload: Buffer): void {
    if (!this.#loggedIn) {
      if (sequence !== 1) throw new Error(`log-in packet with sequence id ${sequence}`);
      const flags = payload.readUInt32LE(0);
      const mariadb = has(flags, capability.mysql) ? 0 : payload.readUInt32LE(28);
      const { flavour } = this.#options;
      this.#capabilities = {
        flags: (flags & offered[flavour].flags) >>> 0,
        mariadb: (mariadb & offered[flavour].mariadb) >>> 0,
      };
      this.#loggedIn = true;
      this.#sequence = 2;
      return this.#answer({ kind: 'ok', affected: 0 }, 'text');
    }
    if (sequence !== 0) throw new Error(`command with sequence id ${sequence}`);
    if (this.terminated) throw new Error('a command behind COM_QUIT');
    this.#sequence = 1;
    this.#command(payload);
  }

  #command(payload: Buffer): void {
    const text = payload.toString('utf8', 1);
    switch (payload[0]) {
      case command.query:
        return this.#answer(
          this.#brain.run({ sql: this.#queryText(payload), via: 'text', values: [] }),
          'text',
        );
      case command.stmtPrepare:
        return this.#prepare(text);
      case command.stmtExecute:
        return this.#execute(payload);
      case command.stmtClose: {
        if (payload.length !== 5 || !this.statements.delete(payload.readUInt32LE(1)))
          throw new Error('COM_STMT_CLOSE of no statement');
        if (this.#last?.id === payload.readUInt32LE(1)) this.#last = undefined;
        return;
      }
      case command.ping:
        return this.#answer(this.#brain.ping(), 'text');
      case command.quit:
        this.terminated = true;
        return;
      default:
        throw new Error(`command 0x${(payload[0] ?? 0).toString(16)}`);
    }
  }

  /** With query attributes the text stands behind their number (0) and the number of their sets (1). */
  #queryText(payload: Buffer): string {
    if (!has(this.#capabilities.flags, capability.queryAttributes)) return payload.toString('utf8', 1);
    if (payload[1] !== 0 || payload[2] !== 1) throw new Error('query attributes');
    return payload.toString('utf8', 3);
  }

  #prepare(sql: string): void {
    const answer = this.#brain.prepare(sql);
    if ('kind' in answer) {
      this.#last = undefined;
      return this.#answer(answer, 'text');
    }
    const { id, columns } = answer;
    if (this.statements.has(id)) throw new Error(`statement ${id} is open`);
    this.#last = { id, sql, parameters: placeholders(sql), types: undefined };
    this.statements.set(id, this.#last);
    const { parameters } = this.#last;
    this.#send((sequence) =>
      write.writePreparedOk(sequence, { statementId: id, columns: columns.length, parameters }),
    );
    this.#definitions(Array.from({ length: parameters }, () => parameterDefinition));
    this.#definitions(columns);
  }

  #execute(payload: Buffer): void {
    const id = payload.readUInt32LE(1);
    const lastPrepared = id === 0xffffffff && this.#options.flavour === 'mariadb';
    const prepared = lastPrepared ? this.#last : this.statements.get(id);
    if (prepared === undefined) {
      // MariaDB's pipelined execution of what could not be prepared.
      if (!lastPrepared) throw new Error(`execution of no statement (${id})`);
      const message = 'Unknown prepared statement handler (last) given to mysqld_stmt_execute';
      return this.#answer({ kind: 'error', errno: 1243, sqlstate: 'HY000', message }, 'prepared');
    }
    const { sql, parameters, types } = prepared;
    const packet = write.writePacket(0, payload);
    const execute = readExecute(packet, 0, packet.length, {
      flags: this.#capabilities.flags,
      parameters,
      types,
    });
    if (execute.typesSent) prepared.types = execute.types;
    this.#answer(this.#brain.run({ sql, via: 'prepared', values: execute.values }), 'prepared');
  }

  #answer(answer: Answer, via: Execution['via']): void {
    if (answer.kind === 'error') {
      this.#send((sequence) => write.writeErr(sequence, answer));
      return;
    }
    if (answer.status !== undefined) this.status = answer.status;
    const { status } = this;
    if (answer.kind === 'rows') return this.#rows(answer, via);
    const { affected: affectedRows, insertId = 0, info } = answer;
    const fields = { affectedRows, insertId, status, ...(info !== undefined && info !== '' && { info }) };
    this.#send((sequence) => write.writeOk(sequence, fields));
  }

  #rows({ columns, rows, omitted = false }: Extract<Answer, { kind: 'rows' }>, via: Execution['via']): void {
    const cached = has(this.#capabilities.mariadb, mariadbCapability.cacheMetadata);
    if (omitted && !cached) throw new Error('definitions are omitted only where that was agreed on');
    this.#send((sequence) => write.writeColumnCount(sequence, columns.length, cached ? !omitted : undefined));
    if (!omitted) this.#definitions(columns);
    // Without the definitions there is nothing to end with an EOF, but MariaDB sends it (no deprecation).
    else if (!this.#deprecatesEof) this.#send((sequence) => write.writeEof(sequence, this.status));
    for (const row of rows) {
      this.#send((sequence) =>
        via === 'text'
          ? write.writeTextRow(sequence, row.map(textValue))
          : write.writeBinaryRow(
              sequence,
              columns,
              row.map((value, at) => binaryValue(value, columns[at]?.type ?? 0)),
            ),
      );
    }
    const { status } = this;
    this.#send((sequence) =>
      this.#deprecatesEof ? write.writeOk(sequence, { status }, 'eof') : write.writeEof(sequence, status),
    );
  }

  /** And the EOF behind them. */
  #definitions(columns: readonly ColumnDefinition[]): void {
    const extended = has(this.#capabilities.mariadb, mariadbCapability.extendedMetadata);
    for (const column of columns)
      this.#send((sequence) => write.writeColumnDefinition(sequence, column, extended));
    if (columns.length > 0 && !this.#deprecatesEof)
      this.#send((sequence) => write.writeEof(sequence, this.status));
  }

  get #deprecatesEof(): boolean {
    return has(this.#capabilities.flags, capability.deprecateEof);
  }

  #send(packet: (sequence: number) => Buffer): void {
    this.#output.push(packet(this.#sequence));
    this.#sequence = (this.#sequence + 1) & 0xff;
  }
}

const parameterDefinition: ColumnDefinition = {
  schema: '',
  table: '',
  orgTable: '',
  name: '?',
  orgName: '',
  collation: 63,
  type: 0xfd,
  flags: 0,
  decimals: 0,
};
