/** Turns the lines of a case into what a driver sends, in one of three ways, and into the fake server's script. */
import type { Catalog } from '../streams/catalog.ts';
import { client, type Column } from '../streams/encode.ts';
import type { Answer } from '../streams/fake-server.ts';
import { binary } from '../streams/values.ts';
import type { Entry } from '../streams/script.ts';
import { columnOrigins } from '../streams/select-list.ts';
import { literal, outcome, type Line } from './transcript.ts';

/** simple: Query. text, binary: Parse, Bind, Describe, Execute, Sync with parameters and results in that format. */
export type Protocol = 'simple' | 'text' | 'binary';
export const protocols: readonly Protocol[] = ['simple', 'text', 'binary'];

export interface Flight {
  bytes: Buffer[];
  after: number;
}

export function login(): Flight[] {
  return [
    { bytes: [client.startup({ user: 'app', database: 'shop', application_name: 'cases' })], after: 0 },
    { bytes: [client.password('secret')], after: 0 },
  ];
}

/** A line with `[with previous]` joins the flight of the line before; in the extended protocol they share its Sync. */
export function flights(lines: readonly Line[], protocol: Protocol): Flight[] {
  const out: Flight[] = [];
  for (const [index, line] of lines.entries()) {
    const batchGoesOn = lines[index + 1]?.withPrevious === true;
    const bytes =
      protocol === 'simple' ? [client.query(line.inlined)] : extended(line, protocol, !batchGoesOn);
    const last = out.at(-1);
    if (line.withPrevious && last !== undefined) last.bytes.push(...bytes);
    else out.push({ bytes, after: line.after });
  }
  return out;
}

function extended(line: Line, protocol: Protocol, sync: boolean): Buffer[] {
  const format = protocol === 'binary' ? 1 : 0;
  const types = line.values.map((value) => (protocol === 'binary' ? typeOf(value) : 0));
  const values = line.values.map((value) => {
    const text = literal(value);
    if (protocol !== 'binary' || text === null) return text;
    return typeOf(value) === int4Array ? binaryArray(text) : binary(text, typeOf(value));
  });
  const out = line.again ? [] : [client.parse(line.prepared, line.sql, types)];
  out.push(client.bind('', line.prepared, values, [format], [format]));
  out.push(client.describe('P', ''), client.execute('', line.maxRows));
  const answer = outcome(line);
  if (line.maxRows > 0 && line.fetchRest && answer.kind === 'rows') {
    const more = Math.ceil(answer.rows.length / line.maxRows);
    out.push(...Array.from({ length: more }, () => client.execute('', line.maxRows)));
  }
  return sync ? [...out, client.sync()] : out;
}

const int4Array = 1007;

/** `{3,4}` -> one dimension, no nulls, element type int4 (array_recv). */
function binaryArray(text: string): Buffer {
  const items = text.slice(1, -1).split(',');
  const head = [1, 0, 23, items.length, 1].map((number) => binary(String(number), 23));
  return Buffer.concat([...head, ...items.flatMap((item) => [binary('4', 23), binary(item, 23)])]);
}

/** int4 for digits (as drivers declare small numbers), uuid by its form, otherwise text. */
function typeOf(value: string): number {
  if (/^-?\d+$/.test(value)) return Number(value) > 0x7fffffff ? 20 : 23;
  if (/^'\{[\d,]+\}'$/.test(value)) return int4Array;
  return /^'[0-9a-f]{8}-[0-9a-f-]{27}'$/i.test(value) ? 2950 : 25;
}

export function script(lines: readonly Line[], protocol: Protocol, catalog: Catalog): Entry[] {
  return lines
    .filter((line) => line.inlined !== '')
    .map((line) => ({
      sql: protocol === 'simple' ? line.inlined : line.sql,
      answers: [answerOf(line, catalog)],
    }));
}

function answerOf(line: Line, catalog: Catalog): Answer {
  const found = outcome(line);
  switch (found.kind) {
    case 'tag':
      return { kind: 'done', tag: found.tag };
    case 'rows': {
      const columns = columnsOf(line.sql, found.rows[0]?.length, catalog);
      return { kind: 'rows', columns, rows: found.rows, tag: `SELECT ${found.rows.length}` };
    }
    case 'error': {
      const table = /^\s*insert\s+into\s+(?:"?\w+"?\.)?"?(\w+)"?/i.exec(line.sql)?.[1];
      const where =
        found.constraint === undefined ? {} : { schema: 'public', table, constraint: found.constraint };
      return { kind: 'error', error: { code: found.code, message: `error ${found.code}`, ...where } };
    }
  }
}

/** As many columns as the rows have values; of an empty result, as many as the list of the SELECT names. */
function columnsOf(sql: string, width: number | undefined, catalog: Catalog): Column[] {
  const list = /^\s*select\s+(?:distinct\s+)?([\s\S]*?)\s+from\s/i.exec(sql)?.[1] ?? '';
  const count = width ?? list.split(',').length;
  const names = Array.from({ length: count }, (_, index) => `column${index + 1}`);
  return columnOrigins(sql, names, catalog).map((origin, index) => {
    const column = catalog.byOid(origin.table)?.columns[origin.attribute - 1];
    return { name: column?.name ?? names[index] ?? '', ...origin, type: column?.type ?? 23, format: 0 };
  });
}
