/**
 * Turns the recorded events of one connection into a conversation: what the client sends, flight by flight (a flight is
 * everything it sends before it waits), and what the server answers to each command.
 *
 * Not in the captures and therefore made up: the log-in, statements that were prepared in an earlier scenario, the origins
 * of columns (from the catalog), and the rows beyond the five recorded ones.
 */
import { writeResponse } from '../../unit/wire/mysql/login-writers.ts';
import { agreed, capability, type Capabilities } from '../../../src/wire/mysql/capabilities.ts';
import type { ColumnDefinition } from '../../../src/wire/mysql/columns.ts';
import { command } from '../../../src/wire/mysql/commands.ts';
import { writeExecute } from '../../../src/wire/mysql/execute.ts';
import {
  writeCommand,
  writePrepare,
  writeQuery,
  writeStatementClose,
} from '../../../src/wire/mysql/writers.ts';
import type { Catalog } from '../catalog.ts';
import type { Capture, CaptureEvent, Value } from './captures.ts';
import { columnDefinitions, database } from './catalog.ts';
import { offered, type Answer } from './fake-server.ts';
import type { Entry } from './script.ts';
import type { Flavour, SessionVariables } from './server-state.ts';
import { binaryValue } from './values.ts';

export interface Conversation {
  label: string;
  flavour: Flavour;
  /** The log-in is the first. */
  flights: Buffer[][];
  script: Entry[];
  /** Isolation level of the session when the recording begins. */
  isolation: SessionVariables['isolation'];
  /** COM_QUERY and COM_STMT_EXECUTE: each of them is forwarded, rewritten or refused. */
  executions: number;
  /** In a transaction at the end: the flags say so, or autocommit is off. */
  open: boolean;
}

type Event<M extends CaptureEvent['m']> = Extract<CaptureEvent, { m: M }>;
const fromServer = new Set(['rows', 'ok', 'error', 'prepared']);

/** As MySQL: the same statements to a MySQL 9.7. Undefined for connections that use what only MariaDB has. */
export function conversations(
  capture: Capture,
  catalog: Catalog,
  flavour: Flavour = 'mariadb',
): Conversation[] {
  const connections = [...new Set(capture.events.map((event) => event.c))].filter((c) => c > 0);
  const { orm, version, driver, scenario } = capture;
  return connections.flatMap((c) => {
    const events = capture.events.filter((event) => event.c === c);
    if (flavour === 'mysql' && events.some((event) => event.m === 'COM_STMT_EXECUTE' && event.stmt < 0))
      return [];
    const label = `${flavour} ${orm} ${version} ${driver} ${scenario} #${c}`;
    return [new Converter(label, flavour, capture, events, catalog).convert()];
  });
}

/** By driver, as each was seen to log in where a log-in was recorded, or as its source has it. */
const chosen: [RegExp, Capabilities][] = [
  [/^mysqlclient/, { flags: 0xbfa28c | capability.foundRows, mariadb: 0x1d }],
  [/^mysql2 gem/, { flags: 0xbea28c | capability.foundRows, mariadb: 0x1d }],
  [/^mysql2 3/, { flags: 0x08baf3cc, mariadb: 0 }],
  [/mariadb 3/, { flags: 0x01bea308, mariadb: 0x1c }],
  [/^PDO mysqlnd/, { flags: 0x00aaa28d, mariadb: 0 }],
];

interface Pending {
  command: Entry['command'];
  sql: string;
}

class Converter {
  readonly #out: Conversation;
  readonly #events: CaptureEvent[];
  readonly #catalog: Catalog;
  readonly #capabilities: Capabilities;
  readonly #pending: Pending[] = [];
  readonly #prepared = new Map<number, Extract<Entry, { command: 'prepare' }>>();
  #flight: Buffer[] = [];
  #status = autocommit;

  constructor(label: string, flavour: Flavour, capture: Capture, events: CaptureEvent[], catalog: Catalog) {
    const isolation = committed(capture) ? 'READ-COMMITTED' : 'REPEATABLE-READ';
    this.#out = { label, flavour, flights: [], script: [], isolation, executions: 0, open: false };
    this.#events = events;
    this.#catalog = catalog;
    const recorded = events.find((event) => event.m === 'HandshakeResponse');
    const byDriver = chosen.find(([driver]) => driver.test(capture.driver))?.[1];
    if (byDriver === undefined) throw new Error(`no capabilities for ${capture.driver}`);
    const wanted =
      recorded === undefined
        ? byDriver
        : { flags: Number(recorded.caps), mariadb: Number(recorded.mariadbCaps) };
    this.#capabilities = agreed(offered[flavour], forFlavour(wanted, flavour));
  }

  convert(): Conversation {
    const preamble = this.#earlierStatements();
    for (const [index, event] of this.#events.entries()) {
      if (fromServer.has(event.m)) {
        this.#endFlight();
        this.#server(event, index);
      } else this.#client(event);
    }
    this.#endFlight();
    const login = writeResponse({
      user: 'app',
      database,
      plugin: 'mysql_native_password',
      authResponse: Buffer.alloc(20, 7),
      attributes: { program_name: 'orm' },
      capabilities: this.#capabilities,
    });
    this.#out.flights.unshift([login], ...preamble);
    this.#out.open = (this.#status & 1) !== 0 || (this.#status & autocommit) === 0;
    return this.#out;
  }

  #client(event: CaptureEvent): void {
    switch (event.m) {
      case 'HandshakeResponse':
      case 'note':
        return;
      case 'COM_QUERY':
        this.#out.executions += 1;
        this.#expect('query', event.sql);
        return this.#send(writeQuery(bytes(event.sql), this.#capabilities.flags));
      case 'COM_STMT_PREPARE':
        this.#expect('prepare', event.sql);
        return this.#send(writePrepare(bytes(event.sql)));
      case 'COM_STMT_EXECUTE':
        this.#out.executions += 1;
        this.#expect('execute', event.sql);
        return this.#send(this.#execute(event));
      case 'COM_STMT_CLOSE':
        return this.#send(writeStatementClose(event.stmt));
      case 'COM_PING':
        this.#expect('ping', '');
        return this.#send(writeCommand(command.ping));
      case 'COM_QUIT':
        return this.#send(writeCommand(command.quit));
      default:
        throw new Error(`unknown event ${event.m}`);
    }
  }

  #execute({ stmt, types = [], params, cursor }: Event<'COM_STMT_EXECUTE'>): Buffer {
    return writeExecute(this.#capabilities.flags, {
      statementId: stmt >>> 0,
      flags: cursor,
      types: types.map((type) => ({ type, unsigned: false, name: '' })),
      values: params.map((value, at) => binaryValue(value, types[at] ?? 0)),
    });
  }

  #expect(kind: Entry['command'], sql: string): void {
    this.#pending.push({ command: kind, sql });
  }

  #server(event: CaptureEvent, index: number): void {
    const one = this.#pending.shift();
    if (one === undefined) throw new Error(`${this.#out.label}: answer without a command`);
    if ((event.m === 'prepared') !== (one.command === 'prepare') && event.m !== 'error')
      throw new Error(`${this.#out.label}: ${event.m} answers ${one.command}`);
    if (event.m === 'prepared') {
      const columns = this.#columnsOf(one.sql, event.cols);
      const entry = { command: 'prepare', sql: one.sql, preparation: { id: event.stmt, columns } } as const;
      this.#out.script.push(entry);
      this.#prepared.set(event.stmt, entry);
      return;
    }
    const answer = this.#answer(event, one.sql, index);
    if (one.command !== 'prepare') this.#out.script.push({ command: one.command, sql: one.sql, answer });
    else if (answer.kind === 'error')
      this.#out.script.push({ command: 'prepare', sql: one.sql, preparation: answer });
    else throw new Error(`${this.#out.label}: no answer to a prepare`);
  }

  #answer(event: CaptureEvent, sql: string, index: number): Answer {
    switch (event.m) {
      case 'ok': {
        const { affected, insertId, info } = event;
        return { kind: 'ok', affected, insertId, info, status: this.#flags(event.flags) };
      }
      case 'rows': {
        const columns = columnDefinitions(sql, event.cols, this.#catalog, event.types);
        const rows = [...event.sample, ...syntheticRows(event, laterLists(this.#events.slice(index)))];
        const omitted = event.fmt.includes('omitted') && this.#out.flavour === 'mariadb';
        return { kind: 'rows', columns, rows, status: this.#flags(event.flags), omitted };
      }
      case 'error':
        return {
          kind: 'error',
          errno: event.code,
          sqlstate: event.sqlstate,
          message: this.#message(event.msg, sql),
        };
      default:
        throw new Error(`unknown answer ${event.m}`);
    }
  }

  /** MySQL names the key with its table. */
  #message(text: string, sql: string): string {
    if (this.#out.flavour === 'mariadb') return text;
    const table = /^\s*insert\s+into\s+[`"]?(\w+)/i.exec(sql)?.[1] ?? '';
    return text.replace(/for key '([^']+)'$/, `for key '${table}.$1'`);
  }

  #flags(text: string): number {
    const names = text.split('|');
    this.#status = (names.includes('IN_TRANS') ? 1 : 0) | (names.includes('AUTOCOMMIT') ? autocommit : 0);
    return this.#status;
  }

  /** As the first execution of the statement shows them, else by count. */
  #columnsOf(sql: string, count: number): ColumnDefinition[] {
    if (count === 0) return [];
    const at = this.#events.findIndex((event) => event.m === 'COM_STMT_EXECUTE' && event.sql === sql);
    const shown = this.#events.slice(at).find((event) => event.m === 'rows' || event.m === 'error');
    const names = Array.from({ length: count }, (_, index) => `column${index + 1}`);
    if (at < 0 || shown?.m !== 'rows' || shown.cols.length !== count)
      return columnDefinitions(sql, names, this.#catalog);
    return columnDefinitions(sql, shown.cols, this.#catalog, shown.types);
  }

  /** Statements that are executed and were prepared before the recording began. */
  #earlierStatements(): Buffer[][] {
    const known = new Set<number>();
    const flights: Buffer[][] = [];
    for (const event of this.#events) {
      if (event.m === 'prepared') known.add(event.stmt);
      if (event.m !== 'COM_STMT_EXECUTE' || event.stmt < 0 || known.has(event.stmt)) continue;
      known.add(event.stmt);
      const execution = this.#events.indexOf(event);
      const answer = this.#events.slice(execution).find(({ m }) => fromServer.has(m));
      const columns = answer?.m === 'rows' ? this.#columnsOf(event.sql, answer.cols.length) : [];
      this.#out.script.push({ command: 'prepare', sql: event.sql, preparation: { id: event.stmt, columns } });
      flights.push([writePrepare(bytes(event.sql))]);
    }
    return flights;
  }

  #send(packet: Buffer): void {
    this.#flight.push(packet);
  }

  #endFlight(): void {
    if (this.#flight.length > 0) this.#out.flights.push(this.#flight);
    this.#flight = [];
  }
}

const autocommit = 2;
const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

/** Django sets READ COMMITTED for every connection since 2.0; everybody else ran the server's default. */
function committed({ orm, version }: Capture): boolean {
  return orm === 'django' && Number.parseInt(version, 10) >= 2;
}

/** MySQL 9.7 with a client of its own age: no EOF packets, query attributes. */
function forFlavour({ flags, mariadb }: Capabilities, flavour: Flavour): Capabilities {
  if (flavour === 'mariadb') return { flags: (flags & ~capability.mysql) >>> 0, mariadb };
  const modern = capability.mysql | capability.deprecateEof | capability.queryAttributes;
  return { flags: (flags | modern) >>> 0, mariadb: 0 };
}

/** Integers in the lists of the DELETEs up to the next COMMIT. */
function laterLists(events: CaptureEvent[]): string[] {
  const end = events.findIndex((event) => event.m === 'COM_QUERY' && /^commit/i.test(event.sql));
  return events.slice(0, end < 0 ? undefined : end).flatMap((event) => {
    if (!('sql' in event) || !/^delete\b/i.test(event.sql)) return [];
    if (event.m === 'COM_STMT_EXECUTE') return event.params.map(String);
    return /\bin \(([\d, ]+)\)/i.exec(event.sql)?.[1]?.split(/, ?/) ?? [];
  });
}

/**
 * The rows that were not recorded: the last recorded one again with another value in its first column, taken from the
 * list that is deleted later when that list has as many values as there are rows.
 */
function syntheticRows(event: Event<'rows'>, listed: string[]): Value[][] {
  const last = event.sample.at(-1) ?? [];
  const known = new Set(event.sample.map((row) => String(row[0])));
  const others = listed.filter((one) => !known.has(one));
  const missing = event.n - event.sample.length;
  const first = Number(last[0] ?? 0);
  const values =
    others.length === missing ? others : Array.from({ length: missing }, (_, at) => String(first + at + 1));
  return values.map((one) => [one, ...last.slice(1)]);
}
