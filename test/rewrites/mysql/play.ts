/** Turns the lines of a case into what a driver sends, in one of three ways, and into the fake server's script. */
import { writeResponse } from '../../unit/wire/mysql/login-writers.ts';
import type { Capabilities } from '../../../src/wire/mysql/capabilities.ts';
import { writeExecute } from '../../../src/wire/mysql/execute.ts';
import { lastPrepared } from '../../../src/wire/mysql/client-commands.ts';
import { type as typeByte } from '../../../src/wire/mysql/types.ts';
import { writePrepare, writeQuery, writeStatementClose } from '../../../src/wire/mysql/writers.ts';
import type { Catalog } from '../../streams/catalog.ts';
import { columnDefinitions, database } from '../../streams/mysql/catalog.ts';
import { offered, type Answer } from '../../streams/mysql/fake-server.ts';
import type { Entry } from '../../streams/mysql/script.ts';
import type { Flavour } from '../../streams/mysql/server-state.ts';
import { binaryValue } from '../../streams/mysql/values.ts';
import { literal, readTranscript, type Line } from '../transcript.ts';
import type { Protocol } from './cases.ts';

export interface Flight {
  bytes: Buffer[];
  after: number;
}

export interface Play {
  flights: Flight[];
  script: Entry[];
  /** COM_QUERY and COM_STMT_EXECUTE. */
  executions: number;
}

/** What its notation says of one statement, with MySQL's placeholders. */
interface Statement extends Line {
  cursor: boolean;
}

export function statements(transcript: string): Statement[] {
  const cursors = transcript
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.includes('[cursor]'));
  return readTranscript(transcript.replaceAll('[cursor]', '')).map((line, at) => ({
    ...line,
    sql: line.sql.replaceAll(/\$\d+/g, '?'),
    cursor: cursors[at] === true,
  }));
}

/** MySQL with deprecated EOF and query attributes; MariaDB as libmariadb, with metadata caching where it is pipelined. */
const chosen: Record<Flavour, Capabilities> = {
  mysql: { flags: 0x09bfa28d, mariadb: 0 },
  mariadb: { flags: 0x00bfa28c, mariadb: 0x1c },
};

const agreedOn = (flavour: Flavour): Capabilities => ({
  flags: (chosen[flavour].flags & offered[flavour].flags) >>> 0,
  mariadb: chosen[flavour].mariadb,
});

/** What a server lets a driver prepare in every version. */
const preparable = /^\s*(?:\/\*.*?\*\/\s*)?(select|insert|update|delete|replace)\b/i;

/** @param bits further status flags, in every reply */
export function play(
  transcript: string,
  protocol: Protocol,
  flavour: Flavour,
  catalog: Catalog,
  bits: number,
): Play {
  const lines = statements(transcript);
  const script: Entry[] = [];
  const capabilities = agreedOn(flavour);
  const login = writeResponse({
    user: 'app',
    database,
    plugin: 'mysql_native_password',
    authResponse: Buffer.alloc(20, 7),
    capabilities,
  });
  const flights: Flight[] = [{ bytes: [login], after: 0 }];
  const status = new Status();
  const named = new Map<string, number>();
  let nextId = 1;
  let closes: Buffer[] = [];
  for (const line of lines) {
    const asText = protocol === 'text' || !preparable.test(line.sql);
    const answer = { ...answerOf(line, flavour, catalog), status: status.after(line) | bits } as Answer;
    const sent: Buffer[][] = [];
    if (asText) {
      script.push({ command: 'query', sql: line.inlined, answer });
      sent.push([writeQuery(Buffer.from(line.inlined, 'utf8'), capabilities.flags)]);
    } else {
      const pipelined = protocol === 'pipelined' && !line.again;
      const id = (line.again ? named.get(line.prepared) : undefined) ?? nextId++;
      const columns = answer.kind === 'rows' ? answer.columns : [];
      if (answer.kind === 'rows') answer.omitted = protocol === 'pipelined';
      const executed = execute(line, pipelined ? lastPrepared : id, capabilities.flags);
      const prepared = writePrepare(Buffer.from(line.sql, 'utf8'));
      if (!line.again) script.push({ command: 'prepare', sql: line.sql, preparation: { id, columns } });
      script.push({ command: 'execute', sql: line.sql, answer });
      sent.push(
        ...(line.again ? [[executed]] : pipelined ? [[prepared, executed]] : [[prepared], [executed]]),
      );
      if (line.prepared === '') closes = [...closes, writeStatementClose(id)];
      else named.set(line.prepared, id);
    }
    const own = asText ? closes : closes.slice(0, line.prepared === '' ? -1 : undefined);
    closes = closes.slice(own.length);
    const [first = [], ...rest] = sent;
    const last = flights.at(-1);
    if (line.withPrevious && last !== undefined) last.bytes.push(...own, ...first);
    else flights.push({ bytes: [...own, ...first], after: line.after });
    for (const bytes of rest) flights.push({ bytes, after: line.after });
  }
  const executions = script.filter(({ command }) => command === 'query' || command === 'execute').length;
  return { flights, script, executions };
}

function execute(line: Statement, statementId: number, flags: number): Buffer {
  const values = line.values.map(literal);
  const types = values.map((value, at) =>
    value === null
      ? typeByte.null
      : /^-?\d+$/.test(line.values[at] ?? '')
        ? typeByte.longlong
        : typeByte.varString,
  );
  return writeExecute(flags, {
    statementId,
    flags: line.cursor ? 1 : 0,
    types: types.map((type) => ({ type, unsigned: false, name: '' })),
    values: values.map((value, at) => binaryValue(value, types[at] ?? 0)),
  });
}

/** Status flags, as a server would set them. */
class Status {
  #transaction = false;
  #autocommit = true;

  after({ sql, answer }: Statement): number {
    const failed = answer?.startsWith('!') === true;
    if (/^\s*(begin|start transaction)\b/i.test(sql)) this.#transaction = true;
    else if (/^\s*(commit|rollback)(?! to| work to)\b/i.test(sql)) this.#transaction = /and chain/i.test(sql);
    else if (/^\s*set autocommit\s*=/i.test(sql)) {
      this.#autocommit = sql.includes('1');
      if (this.#autocommit) this.#transaction = false;
    } else if (/^\s*(create|drop|alter|truncate)\b(?! temporary)/i.test(sql)) this.#transaction = false;
    else if (failed && /!(1213|1020)\b/.test(answer)) this.#transaction = false;
    else if (!this.#autocommit && /^\s*(select .* from|insert|update|delete)\b/i.test(sql))
      this.#transaction = true;
    return (this.#transaction ? 1 : 0) | (this.#autocommit ? 2 : 0);
  }
}

const states: Record<number, string> = { 1062: '23000', 1213: '40001', 1317: '70100', 1451: '23000' };

function answerOf(line: Statement, flavour: Flavour, catalog: Catalog): Answer {
  const { answer = '', sql } = line;
  const [, code, key] = /^!(\d{4})(?:\s+(\S+))?$/.exec(answer) ?? [];
  if (code !== undefined) return error(Number(code), key, sql, flavour);
  const affected = /^[A-Z]+ (\d+)$/.exec(answer)?.[1];
  if (answer === '' || affected !== undefined) return { kind: 'ok', affected: Number(affected ?? 0) };
  if (answer === 'none') return rows([], sql, catalog);
  if (!answer.startsWith('('))
    return rows(
      answer.split(', ').map((value) => [literal(value)]),
      sql,
      catalog,
    );
  const tuples = [...answer.matchAll(/\(([^)]*)\)/g)];
  return rows(
    tuples.map((tuple) => (tuple[1] ?? '').split(', ').map(literal)),
    sql,
    catalog,
  );
}

function error(errno: number, key: string | undefined, sql: string, flavour: Flavour): Answer {
  const table = /^\s*insert\s+(?:ignore\s+)?into\s+(?:`?\w+`?\.)?`?(\w+)/i.exec(sql)?.[1] ?? '';
  const name = flavour === 'mysql' ? `${table}.${key ?? ''}` : (key ?? '');
  const message = key === undefined ? 'made to fail' : `Duplicate entry 'it''s' for key '${name}'`;
  return { kind: 'error', errno, sqlstate: states[errno] ?? 'HY000', message };
}

/** As many columns as the rows have values; of an empty result, as many as the list of the SELECT names. */
function rows(values: (string | null)[][], sql: string, catalog: Catalog): Answer {
  const list = /^\s*(?:\/\*.*?\*\/\s*)?select\s+(?:distinct\s+)?([\s\S]*?)\s+from\s/i.exec(sql)?.[1] ?? '';
  const count = values[0]?.length ?? list.split(',').length;
  const names = Array.from({ length: count }, (_, index) => `column${index + 1}`);
  return { kind: 'rows', columns: columnDefinitions(sql, names, catalog), rows: values };
}
