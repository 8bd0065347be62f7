/**
 * The recorded traffic of real ORMs on MariaDB 10.11: `captures/*.jsonl.gz` hold every scenario, `captures/curated.json`
 * the ones with a verdict. Events of one connection are in wire order. Some scenarios ran Django's code path for MySQL
 * against MariaDB; `db` says so.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export type Value = string | number | null;

export type CaptureEvent =
  /** Flags as the client sent them, in hexadecimal. */
  | { c: number; m: 'HandshakeResponse'; caps: string; mariadbCaps: string }
  | { c: number; m: 'COM_QUERY' | 'COM_STMT_PREPARE'; sql: string }
  /** stmt -1: the statement prepared last. `types` are missing where there are no parameters. */
  | {
      c: number;
      m: 'COM_STMT_EXECUTE';
      stmt: number;
      sql: string;
      cursor: number;
      types?: number[];
      params: Value[];
    }
  | { c: number; m: 'COM_STMT_CLOSE'; stmt: number }
  | { c: number; m: 'COM_PING' | 'COM_QUIT' }
  | { c: number; m: 'prepared'; stmt: number; cols: number; params: number }
  /** At most 5 rows in `sample`; n is the true number. `fmt` begins with `text` or `binary`. */
  | {
      c: number;
      m: 'rows';
      cols: string[];
      types: number[];
      n: number;
      sample: Value[][];
      fmt: string;
      flags: string;
    }
  | { c: number; m: 'ok'; affected: number; insertId: number; flags: string; info: string }
  | { c: number; m: 'error'; code: number; sqlstate: string; msg: string }
  | { c: number; m: 'note'; text: string };

export interface Capture {
  orm: string;
  version: string;
  driver: string;
  db: string;
  scenario: string;
  note: string;
  events: CaptureEvent[];
}

export interface CuratedCapture extends Capture {
  name: string;
  /** The verdict of those who recorded it. */
  expect: string;
  why: string;
}

const folder = new URL('captures/', import.meta.url);

export function curatedCaptures(): CuratedCapture[] {
  return JSON.parse(readFileSync(new URL('curated.json', folder), 'utf8')) as CuratedCapture[];
}

export function allCaptures(): Capture[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl.gz'))
    .toSorted()
    .flatMap((name) =>
      gunzipSync(readFileSync(new URL(name, folder)))
        .toString('utf8')
        .trim()
        .split('\n'),
    )
    .map((line) => JSON.parse(line) as Capture);
}
