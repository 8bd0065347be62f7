/**
 * Recorded streams (JSONL) -> statements with their answers. A line is a scenario `{"events": […]}` or a single event; an
 * event is a message of either protocol, `c` its connection (docs/explain.md has the format). Pure.
 */
import { familyOf, keyOfBinary } from '../memory/keys.ts';
import type { Parameters, TransactionStatus } from '../memory/types.ts';
import { readEvent, type Event, type Value } from './recorded-event.ts';
import type { Answer, Said, Transcript } from './said.ts';
import { UnreadableInput } from './said.ts';

export function readRecording(text: string): Transcript {
  const said: Said[] = [];
  let mysql = false;
  let connections = new Map<number, Connection>();
  for (const [index, line] of linesOf(text).entries()) {
    if (line.trim() === '') continue;
    const entry = parse(line, index + 1);
    const events = Array.isArray(entry.events) ? entry.events : [entry];
    const scenario = typeof entry.scenario === 'string' ? `${entry.scenario}#` : '';
    if (scenario !== '') connections = new Map();
    for (const raw of events) {
      const event = readEvent(raw);
      if (event === undefined) continue;
      mysql ||= event.m.startsWith('COM_');
      let connection = connections.get(event.c);
      if (connection === undefined) {
        connection = new Connection(`${scenario}${event.c}`, said);
        connections.set(event.c, connection);
      }
      connection.take(event, index + 1);
    }
  }
  return { said, dialect: mysql ? dialectOf(text) : 'postgres' };
}

/** A scenario by itself may be written over several lines. */
function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines[0]?.trim() !== '{') return lines;
  try {
    return [JSON.stringify(JSON.parse(text))];
  } catch {
    return lines;
  }
}

function dialectOf(text: string): 'mysql' | 'mariadb' {
  return /"db":"mariadb/i.test(text.slice(0, 4096)) ? 'mariadb' : 'mysql';
}

function parse(line: string, number: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new UnreadableInput(`line ${number}: not a JSON object`);
}

interface Prepared {
  sql: string;
  types: number[];
}

/** Answers come in the order of the statements, so the oldest that has none gets the next one. */
class Connection {
  private readonly session: string;
  private readonly said: Said[];
  private readonly prepared = new Map<string, Prepared>();
  private readonly portals = new Map<string, { sql: string; parameters: Parameters }>();
  private unanswered: Said[] = [];
  private last: Said | undefined;

  constructor(session: string, said: Said[]) {
    this.session = session;
    this.said = said;
  }

  take(event: Event, line: number): void {
    switch (event.m) {
      case 'Query':
      case 'COM_QUERY':
        return this.say(event.sql, line);
      case 'Parse':
        this.prepared.set(event.name, { sql: event.sql, types: event.oids ?? [] });
        return;
      case 'Bind': {
        const { sql = event.sql ?? '', types = [] } = this.prepared.get(event.stmt) ?? {};
        this.portals.set(event.portal, { sql, parameters: parametersOf(event.params, event.pfmt, types) });
        return;
      }
      case 'Execute': {
        const portal = this.portals.get(event.portal);
        return portal === undefined ? undefined : this.say(portal.sql, line, portal.parameters);
      }
      case 'COM_STMT_EXECUTE':
        return this.say(event.sql ?? '', line, parametersOf(event.params ?? [], [], []));
      case 'Z':
        return this.ready(event.tx);
      default:
        this.answer(answerOf(event), event.m === 'ok' || event.m === 'rows' ? event.flags : undefined);
    }
  }

  private say(sql: string, line: number, parameters?: Parameters): void {
    const one: Said = { session: this.session, line, sql, answer: { kind: 'unknown' } };
    if (parameters !== undefined && parameters.values.length > 0) one.parameters = parameters;
    this.said.push(one);
    this.unanswered.push(one);
  }

  private answer(answer: Answer, flags: string | undefined): void {
    const one = this.unanswered.shift();
    if (one === undefined) return;
    one.answer = answer;
    this.last = one;
    // The server's own word is better than what the text lets expect; with autocommit off both are needed.
    if (flags?.includes('IN_TRANS') === true) one.status = 'T';
    else if (flags?.includes('AUTOCOMMIT') === true) one.status = 'I';
  }

  /** What has no answer by now was skipped after an error. */
  private ready(status: TransactionStatus): void {
    this.unanswered = [];
    if (this.last !== undefined) this.last.status = status;
    this.last = undefined;
  }
}

function parametersOf(values: readonly Value[], formats: readonly number[], types: number[]): Parameters {
  return {
    formats: [...formats],
    values: values.map((value) => {
      if (value === null) return null;
      return typeof value === 'object' ? Buffer.from(value.bin, 'hex') : Buffer.from(String(value), 'utf8');
    }),
    types,
  };
}

function answerOf(event: Event): Answer {
  switch (event.m) {
    case 'rows':
      return rowsOf(event);
    case 'ok':
      return { kind: 'done', affected: event.affected };
    case 'done': {
      const affected = /\d+$/.exec(event.tag)?.[0];
      return { kind: 'done', affected: affected === undefined ? undefined : Number(affected) };
    }
    case 'error': {
      const { constraint, table, schema } = event;
      const key = constraint ?? /for key '(.+)'$/.exec(event.msg ?? '')?.[1];
      return {
        kind: 'error',
        code: String(event.code),
        ...(key !== undefined && { key }),
        ...(table !== undefined && { table }),
        ...(schema !== undefined && { schema }),
      };
    }
    default:
      return { kind: 'done', affected: undefined };
  }
}

function rowsOf({ n, sample, oids, types, fmt }: Extract<Event, { m: 'rows' }>): Answer {
  const type = (oids ?? types)?.[0];
  const binary = fmt?.startsWith('1') === true;
  const values = sample.map((row) => textOf(row[0] ?? null, type ?? 0, binary));
  const complete = sample.length === n && values.every((value) => value !== undefined);
  return {
    kind: 'rows',
    count: n,
    values: complete ? values : undefined,
    ...(type !== undefined && { type }),
  };
}

/** @returns undefined: binary, of a type that is not compared */
function textOf(
  value: string | number | boolean | null,
  type: number,
  binary: boolean,
): string | null | undefined {
  if (value === null) return null;
  const text = String(value);
  if (!binary || !text.startsWith('\\x')) return text;
  const family = familyOf(type);
  return family === undefined ? undefined : keyOfBinary(family, type, Buffer.from(text.slice(2), 'hex'));
}
