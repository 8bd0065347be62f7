/**
 * PostgreSQL's server log -> statements: stderr, csvlog and jsonlog, with log_statement = all or log_min_duration_statement
 * = 0. The log has statements, parameters and errors, and no results. Pure.
 *
 * Sources: manual 19.8 (Error Reporting and Logging), elog.c (write_csvlog, write_jsonlog), postgres.c (errdetail_params).
 */
import type { Parameters } from '../memory/types.ts';
import { readCsv } from './csv.ts';
import type { Answer, Said, Transcript } from './said.ts';
import { UnreadableInput } from './said.ts';

interface Entry {
  session: string;
  line: number;
  severity: string;
  /** SQLSTATE; stderr has none. */
  code: string;
  message: string;
  detail: string;
}

const lacks = 'results';

export function readStderrLog(text: string): Transcript {
  return { said: statements(stderrEntries(text)), dialect: 'postgres', lacks };
}

export function readCsvLog(text: string): Transcript {
  const entries = readCsv(text).map(({ line, fields }): Entry => ({
    session: fields[5] ?? '',
    line,
    severity: fields[11] ?? '',
    code: fields[12] ?? '',
    message: fields[13] ?? '',
    detail: fields[14] ?? '',
  }));
  return { said: statements(entries), dialect: 'postgres', lacks };
}

export function readJsonLog(text: string): Transcript {
  const entries: Entry[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    let entry: Record<string, unknown>;
    try {
      entry = JSON.parse(line) as Record<string, unknown>;
    } catch {
      throw new UnreadableInput(`line ${index + 1}: not a JSON object`);
    }
    const textOf = (key: string): string => {
      const value = entry[key];
      return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    };
    entries.push({
      session: textOf('session_id') || textOf('pid'),
      line: index + 1,
      severity: textOf('error_severity'),
      code: textOf('state_code'),
      message: textOf('message'),
      detail: textOf('detail'),
    });
  }
  return { said: statements(entries), dialect: 'postgres', lacks };
}

/** The severity and what stands in front of it, which log_line_prefix decides. */
const severity =
  /^(.*?)\b(LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG\d?|DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION): {2}(.*)$/s;

export function isStderrLog(line: string): boolean {
  return severity.test(line);
}

/** Lines that begin with a tab go on with the entry above them. */
function stderrEntries(text: string): Entry[] {
  const entries: Entry[] = [];
  let detail: Entry | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const last = entries.at(-1);
    if (line.startsWith('\t')) {
      const more = `\n${line.slice(1)}`;
      if (detail !== undefined) detail.detail += more;
      else if (last !== undefined) last.message += more;
      continue;
    }
    const [, prefix = '', word = '', rest = ''] = severity.exec(line) ?? [];
    const session = sessionOf(prefix);
    detail = undefined;
    if (word === 'DETAIL') {
      detail = entries.findLast((entry) => entry.session === session);
      if (detail !== undefined) detail.detail = rest;
    } else if (word !== '')
      entries.push({ session, line: index + 1, severity: word, code: '', message: rest, detail: '' });
  }
  return entries;
}

/** `[1234]` of the default prefix, or a session id (%c); without either the whole log counts as one session. */
function sessionOf(prefix: string): string {
  return /\[(\d+)(?:-\d+)?\]/.exec(prefix)?.[1] ?? /\b[0-9a-f]{8}\.[0-9a-f]+\b/.exec(prefix)?.[0] ?? '1';
}

const statement = /^(?:duration: [\d.]+ ms {2})?(?:statement|execute (?:fetch from )?[^:]+?): ([\s\S]*)$/;

function statements(entries: readonly Entry[]): Said[] {
  const said: Said[] = [];
  const last = new Map<string, Said>();
  for (const { session, line, severity: level, code, message, detail } of entries) {
    if (level === 'ERROR') {
      const failed = last.get(session);
      if (failed !== undefined) failed.answer = errorOf(code, message);
      continue;
    }
    const sql = level === 'LOG' ? statement.exec(message)?.[1] : undefined;
    if (sql === undefined) continue;
    const parameters = parametersOf(detail);
    const one: Said = { session, line, sql, answer: unknownOrDone(sql), ...(parameters && { parameters }) };
    said.push(one);
    last.set(session, one);
  }
  return said;
}

function unknownOrDone(sql: string): Answer {
  return /^\s*(?:select|with|values|table)\b/i.test(sql)
    ? { kind: 'unknown' }
    : { kind: 'done', affected: undefined };
}

/** The constraint stands in quotation marks, in whatever language the message is. */
function errorOf(code: string, message: string): Answer {
  const unique =
    code === '23505' || (code === '' && /duplicate key value violates unique constraint/.test(message));
  const key = /["»„«]([^"»“«]+)["«“»]/.exec(message)?.[1];
  if (unique) return { kind: 'error', code: '23505', ...(key !== undefined && { key }) };
  const aborted = /current transaction is aborted/.test(message) ? '25P02' : 'XX000';
  return { kind: 'error', code: code === '' ? aborted : code };
}

/** `Parameters: $1 = '3', $2 = NULL` */
function parametersOf(detail: string): Parameters | undefined {
  if (!/^parameters: /i.test(detail)) return undefined;
  const values = [...detail.matchAll(/\$\d+ = (NULL|'(?:[^']|'')*')/g)].map(([, value = '']) =>
    value === 'NULL' ? null : Buffer.from(value.slice(1, -1).replaceAll("''", "'"), 'utf8'),
  );
  return { formats: [], values, types: [] };
}
