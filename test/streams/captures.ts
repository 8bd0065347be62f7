/**
 * The recorded traffic of real ORMs on PostgreSQL 15: `captures/*.jsonl.gz` hold every scenario, `captures/curated.json`
 * the ones with a verdict. Events of one connection are in wire order.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export type Parameter = string | null | { bin: string };

export type CaptureEvent =
  | { c: number; m: 'Startup'; params: Record<string, string> }
  | { c: number; m: 'Query'; sql: string }
  | { c: number; m: 'Parse'; name: string; sql: string; oids: number[] }
  | {
      c: number;
      m: 'Bind';
      portal: string;
      stmt: string;
      sql?: string;
      pfmt: number[];
      params: Parameter[];
      rfmt: number[];
    }
  | { c: number; m: 'Describe' | 'Close'; what: 'S' | 'P'; name: string }
  | { c: number; m: 'Execute'; portal: string; max: number }
  | { c: number; m: 'Sync' | 'Flush' | 'Terminate' | 'EmptyQuery' }
  /** At most 5 rows in `sample`; n is the true number. Values are text. */
  | {
      c: number;
      m: 'rows';
      cols: string[];
      oids: number[];
      fmt: string;
      n: number;
      sample: (string | null)[][];
      tag: string;
    }
  | { c: number; m: 'done'; tag: string }
  | {
      c: number;
      m: 'error';
      code: string;
      msg: string;
      detail?: string;
      constraint?: string;
      table?: string;
      schema?: string;
    }
  | { c: number; m: 'Z'; tx: 'I' | 'T' | 'E' }
  | { c: number; m: 'note'; text: string };

export interface Capture {
  orm: string;
  version: string;
  driver: string;
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
