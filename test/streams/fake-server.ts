/**
 * A PostgreSQL server's end of the wire without a database behind it: statements, portals, error recovery up to the next
 * Sync, transaction status. What a statement answers comes from a brain (script.ts, or the in-memory model of the
 * properties). It is as strict as the real one, because it stands for it: unknown names, wrong parameter counts and
 * statements in a failed transaction are errors, and nothing leaves before a Flush or Sync asked for it.
 */
import { frames, readClient, type ClientMessage } from './decode.ts';
import { server, type Column, type ErrorFields } from './encode.ts';
import { bare, failedTransaction, Transaction } from './transaction.ts';
import { formatted, parameterCount, parameterTypes, sent } from './values.ts';

export type Row = (Buffer | string | null)[];
export type Answer =
  | { kind: 'rows'; columns: Column[]; rows: Row[]; tag: string }
  | { kind: 'done'; tag: string }
  | { kind: 'error'; error: ErrorFields }
  | { kind: 'empty' }
  | { kind: 'copy-in'; tag: string }
  /** Sent in front of the statement's answer: notices, notifications, parameter changes. */
  | { kind: 'aside'; bytes: Buffer };

export interface Execution {
  sql: string;
  via: 'simple' | 'extended';
  values: (Buffer | null)[];
  formats: number[];
  /** Types declared in Parse. */
  types: number[];
  transaction: Transaction;
}

export interface Brain {
  /** The columns that a statement returns; undefined: no rows. */
  describe(sql: string): Column[] | undefined;
  /** One answer, or several for a Query of several statements. */
  run(execution: Execution): Answer[];
}

interface Prepared {
  sql: string;
  types: number[];
}
interface Portal {
  prepared: Prepared;
  values: (Buffer | null)[];
  formats: number[];
  results: number[];
  /** Set by the first Execute; rows that are left. */
  answer?: Extract<Answer, { kind: 'rows' }>;
}

export interface FakeServerOptions {
  /** Ask for a password first. */
  password: boolean;
  parameters: Record<string, string>;
}

const defaults: FakeServerOptions = {
  password: true,
  parameters: {
    server_version: '15.20',
    client_encoding: 'UTF8',
    standard_conforming_strings: 'on',
    in_hot_standby: 'off',
    default_transaction_read_only: 'off',
  },
};

export class FakeServer {
  readonly transaction = new Transaction();
  readonly statements = new Map<string, Prepared>();
  readonly portals = new Map<string, Portal>();
  terminated = false;
  readonly #brain: Brain;
  readonly #options: FakeServerOptions;
  #state: 'startup' | 'password' | 'ready' | 'skip' | 'copy' = 'startup';
  #copyTag = '';
  #input: Buffer = Buffer.alloc(0);
  #output: Buffer[] = [];
  #flushed = 0;

  constructor(brain: Brain, options: Partial<FakeServerOptions> = {}) {
    this.#brain = brain;
    this.#options = { ...defaults, ...options };
  }

  /** Takes client bytes in any portions. @returns what the server has sent by now */
  receive(bytes: Buffer): Buffer {
    this.#input = Buffer.concat([this.#input, bytes]);
    if (this.#state === 'startup') this.#startup();
    if (this.#state !== 'startup') {
      const cut = frames(this.#input);
      this.#input = cut.rest;
      for (const frame of cut.frames) this.#message(frame.type, () => readClient(frame));
    }
    const sent = Buffer.concat(this.#output.slice(0, this.#flushed));
    this.#output = this.#output.slice(this.#flushed);
    this.#flushed = 0;
    return sent;
  }

  /** Nothing is buffered, half received or open in the middle of a batch. */
  get settled(): boolean {
    return this.#input.length === 0 && this.#output.length === 0 && this.#state === 'ready';
  }

  #startup(): void {
    if (this.#input.length < 4) return;
    const length = this.#input.readInt32BE(0);
    if (this.#input.length < length) return;
    this.#input = this.#input.subarray(length);
    if (this.#options.password) {
      this.#state = 'password';
      this.#output.push(server.authenticationCleartext());
    } else this.#welcome();
    this.#flush();
  }

  #welcome(): void {
    const parameters = Object.entries(this.#options.parameters);
    this.#output.push(server.authenticationOk());
    this.#output.push(...parameters.map(([name, value]) => server.parameterStatus(name, value)));
    this.#output.push(server.backendKeyData(4711, 1_234_567));
    this.#ready();
  }

  #message(type: string, read: () => ClientMessage): void {
    if (this.#state === 'copy') return this.#copy(type);
    if (this.#state === 'skip' && type !== 'S' && type !== 'X') return;
    const message = read();
    switch (message.kind) {
      case 'password':
        return this.#welcome();
      case 'query':
        return this.#query(message.sql);
      case 'sync':
        return this.#sync();
      case 'flush':
        return this.#flush();
      case 'terminate':
        this.terminated = true;
        return;
      default:
        this.#extended(message);
    }
  }

  #extended(message: ClientMessage): void {
    switch (message.kind) {
      case 'parse':
        return this.#parse(message);
      case 'bind':
        return this.#bind(message);
      case 'describe':
        return this.#describe(message.target, message.name);
      case 'execute':
        return this.#execute(message.portal, message.maxRows);
      case 'close':
        (message.target === 'S' ? this.statements : this.portals).delete(message.name);
        this.#output.push(server.closeComplete());
        return;
      default:
        throw new Error(`unexpected ${message.kind}`);
    }
  }

  #parse(message: Extract<ClientMessage, { kind: 'parse' }>): void {
    if (!this.transaction.accepts(message.sql)) return this.#refuse(message.sql, 'extended', message.types);
    if (message.name !== '' && this.statements.has(message.name)) {
      return this.#fail({ code: '42P05', message: `prepared statement "${message.name}" already exists` });
    }
    this.statements.set(message.name, { sql: message.sql, types: message.types });
    this.#output.push(server.parseComplete());
  }

  #bind(message: Extract<ClientMessage, { kind: 'bind' }>): void {
    const prepared = this.statements.get(message.statement);
    if (prepared === undefined) {
      return this.#fail({
        code: '26000',
        message: `prepared statement "${message.statement}" does not exist`,
      });
    }
    if (!this.transaction.accepts(prepared.sql))
      return this.#refuse(prepared.sql, 'extended', prepared.types);
    const wanted = Math.max(parameterCount(prepared.sql), prepared.types.length);
    if (message.values.length !== wanted) {
      return this.#fail({
        code: '08P01',
        message: `bind supplies ${message.values.length} of ${wanted} parameters`,
      });
    }
    this.portals.set(message.portal, {
      prepared,
      values: message.values,
      formats: message.values.map((_, index) => message.formats[message.formats.length > 1 ? index : 0] ?? 0),
      results: message.results,
    });
    this.#output.push(server.bindComplete());
  }

  #describe(target: 'S' | 'P', name: string): void {
    const portal = this.portals.get(name);
    const prepared = target === 'S' ? this.statements.get(name) : portal?.prepared;
    if (prepared === undefined) {
      return this.#fail({ code: target === 'S' ? '26000' : '34000', message: `"${name}" does not exist` });
    }
    if (target === 'S') this.#output.push(server.parameterDescription(parameterTypes(prepared)));
    const columns = this.#brain.describe(prepared.sql);
    const results = target === 'S' ? [] : (portal?.results ?? []);
    this.#output.push(
      columns === undefined ? server.noData() : server.rowDescription(formatted(columns, results)),
    );
  }

  #execute(name: string, maxRows: number): void {
    const portal = this.portals.get(name);
    if (portal === undefined)
      return this.#fail({ code: '34000', message: `portal "${name}" does not exist` });
    if (portal.answer === undefined) {
      const { sql, types } = portal.prepared;
      if (bare(sql) === '') return void this.#output.push(server.emptyQuery());
      if (!this.transaction.accepts(sql)) return this.#refuse(sql, 'extended', types);
      const { values, formats } = portal;
      const answers = this.#run({
        sql,
        via: 'extended',
        values,
        formats,
        types,
        transaction: this.transaction,
      });
      for (const answer of answers) {
        if (answer.kind === 'rows') portal.answer = { ...answer, rows: [...answer.rows] };
        else this.#answer(answer, 'extended');
      }
      if (portal.answer === undefined) return;
    }
    const { rows, tag } = portal.answer;
    const columns = formatted(portal.answer.columns, portal.results);
    const now = maxRows > 0 ? rows.splice(0, maxRows) : rows.splice(0);
    this.#output.push(
      ...now.map((row) => server.dataRow(row.map((value, index) => sent(value, columns[index])))),
    );
    this.#output.push(rows.length > 0 ? server.portalSuspended() : server.complete(tag));
  }

  #query(sql: string): void {
    this.statements.delete('');
    this.portals.delete('');
    if (bare(sql) === '') this.#output.push(server.emptyQuery());
    else if (!this.transaction.accepts(sql)) this.#refuse(sql, 'simple', []);
    else {
      const execution = {
        sql,
        via: 'simple' as const,
        values: [],
        formats: [],
        types: [],
        transaction: this.transaction,
      };
      for (const answer of this.#run(execution)) this.#answer(answer, 'simple');
    }
    if (this.#state === 'copy') this.#flush();
    else this.#ready();
  }

  #answer(answer: Answer, via: 'simple' | 'extended'): void {
    switch (answer.kind) {
      case 'rows':
        this.#output.push(
          server.rowDescription(answer.columns),
          ...answer.rows.map((row) => server.dataRow(row)),
        );
        this.#output.push(server.complete(answer.tag));
        return;
      case 'done':
        this.#output.push(server.complete(answer.tag));
        return;
      case 'empty':
        this.#output.push(server.emptyQuery());
        return;
      case 'aside':
        this.#output.push(answer.bytes);
        return;
      case 'copy-in':
        this.#state = 'copy';
        this.#copyTag = answer.tag;
        this.#output.push(Buffer.from('G\0\0\0\x09\0\0\x01\0\0', 'latin1'));
        return;
      case 'error':
        this.#output.push(server.error(answer.error));
        if (via === 'extended') this.#skip();
    }
  }

  /** Runs one execution and keeps status, savepoints and statements in step with it. */
  #run(execution: Execution): Answer[] {
    const text = bare(execution.sql);
    const answers = this.#brain.run(execution);
    if (answers.some((answer) => answer.kind === 'error')) this.transaction.failed();
    else {
      const outcome = this.transaction.control(text);
      if (outcome !== undefined && 'code' in outcome) {
        this.transaction.failed();
        return [{ kind: 'error', error: outcome }];
      }
    }
    const deallocate = /^(?:deallocate\s+(?:prepare\s+)?|discard\s+)("[^"]+"|\w+)/i.exec(text);
    if (deallocate !== null && this.transaction.status !== 'E') {
      const name = (deallocate[1] ?? '').replaceAll('"', '');
      if (/^all$/i.test(name)) this.statements.clear();
      else this.statements.delete(name);
    }
    return answers;
  }

  /** 25P02. The brain is told, because a script counts the statement as run. */
  #refuse(sql: string, via: 'simple' | 'extended', types: number[]): void {
    this.#brain.run({ sql, via, values: [], formats: [], types, transaction: this.transaction });
    if (via === 'extended') this.#fail(failedTransaction);
    else this.#output.push(server.error(failedTransaction));
  }

  #fail(error: ErrorFields): void {
    this.#output.push(server.error(error));
    this.transaction.failed();
    this.#skip();
  }

  /** The error leaves at once, as in the real server; the rest of the batch is ignored. */
  #skip(): void {
    this.#state = 'skip';
    this.#flush();
  }

  #sync(): void {
    this.#state = 'ready';
    if (this.transaction.status === 'I') this.portals.clear();
    this.#ready();
  }

  #ready(): void {
    this.#state = 'ready';
    this.#output.push(server.ready(this.transaction.status));
    this.#flush();
  }

  #copy(type: string): void {
    if (type === 'd') return;
    if (type !== 'c' && type !== 'f') throw new Error(`${type} during COPY`);
    if (type === 'c') this.#output.push(server.complete(this.#copyTag));
    else {
      this.#output.push(server.error({ code: '57014', message: 'COPY from stdin failed' }));
      this.transaction.failed();
    }
    this.#ready();
  }

  #flush(): void {
    this.#flushed = this.#output.length;
  }
}
