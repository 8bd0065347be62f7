/**
 * Logs of statements hold no results, often no errors, and recordings only the first rows. What must have come back for the
 * sequence to be a pattern is put in, and said: a report that begins with "if" is of more use than none. Pure.
 *
 * - a SELECT of one column, then a DELETE by list of the same transaction: the list is what came back
 * - `SELECT … FOR UPDATE`, then an INSERT into its table: nothing came back
 * - an INSERT, ROLLBACK TO, then a SELECT of the table: the INSERT met a duplicate key (not where the input has errors)
 */
import { keysOfList } from '../memory/values.ts';
import { classify } from '../sql/classify.ts';
import type { KeyList, LexerSettings, Shape } from '../sql/shape.ts';
import type { Said } from './said.ts';

/** How far a later statement is looked for. */
const reach = 64;

/** @param said of one session, in order @param errors the input would hold an error */
export function presume(said: readonly Said[], lexer: LexerSettings, errors: boolean): Said[] {
  const shapes = said.map(({ sql }) => classify(Buffer.from(sql, 'utf8'), lexer).shape);
  return said.map((one, at) => {
    const shape = shapes[at];
    if (shape === undefined) return one;
    const later = within(said, shapes, at);
    if (shape.kind === 'select' && lacksValues(one)) return presumeRead(one, shape, later);
    const silent = one.answer.kind === 'unknown' || (one.answer.kind === 'done' && !errors);
    if (shape.kind === 'insert' && silent && !errors) return presumeDuplicate(one, shape, later, lexer);
    return one;
  });
}

interface Later {
  said: Said;
  shape: Shape;
}

/** What follows up to the end of the transaction. */
function within(said: readonly Said[], shapes: readonly Shape[], at: number): Later[] {
  const out: Later[] = [];
  for (let next = at + 1; next < said.length && next <= at + reach; next++) {
    const shape = shapes[next];
    const one = said[next];
    if (shape === undefined || one === undefined) break;
    if (shape.kind === 'commit' || shape.kind === 'rollback') break;
    out.push({ said: one, shape });
  }
  return out;
}

function lacksValues({ answer }: Said): boolean {
  return answer.kind === 'unknown' || (answer.kind === 'rows' && answer.values === undefined);
}

function presumeRead(one: Said, shape: Extract<Shape, { kind: 'select' }>, later: Later[]): Said {
  const reads = (table: string): boolean => shape.tablesRead.some(({ name }) => name === table);
  const count = one.answer.kind === 'rows' ? one.answer.count : undefined;
  const insert = later.find((next) => next.shape.kind !== 'savepoint' && next.shape.kind !== 'noise');
  if (
    shape.locking &&
    count === undefined &&
    insert?.shape.kind === 'insert' &&
    reads(insert.shape.table.name)
  ) {
    const answer = { kind: 'rows' as const, count: 0, values: [] };
    return { ...one, answer, presumed: 'the look-up found no row, because an INSERT follows' };
  }
  if (shape.items.length !== 1 || shape.items[0]?.column === undefined) return one;
  const values = new Set<string>();
  for (const next of later) {
    if (next.shape.kind !== 'delete' || next.shape.list === undefined) continue;
    const { list, table } = next.shape;
    if (reads(table.name.name)) for (const value of valuesOf(list, next.said)) values.add(value);
  }
  if (values.size === 0 || (count !== undefined && count !== values.size)) return one;
  const type = one.answer.kind === 'rows' ? one.answer.type : undefined;
  return {
    ...one,
    answer: { kind: 'rows', count: values.size, values: [...values], ...(type !== undefined && { type }) },
    presumed: 'the SELECT returned exactly the keys that are deleted',
  };
}

/** The list's values in text form. */
function valuesOf(list: KeyList, { parameters }: Said): string[] {
  const plain = list.values.map((value) =>
    value.kind === 'number' || value.kind === 'string' ? value.text : undefined,
  );
  if (!list.array && plain.every((value) => value !== undefined)) return plain;
  for (const type of [int8, uuid, text]) {
    const found = keysOfList(list, parameters, type);
    if (found !== undefined) return [...found.keys];
  }
  return [];
}

const int8 = 20;
const uuid = 2950;
const text = 25;

function presumeDuplicate(
  one: Said,
  shape: Extract<Shape, { kind: 'insert' }>,
  later: Later[],
  lexer: LexerSettings,
): Said {
  const steps = later.filter((next) => next.shape.kind !== 'noise' && next.shape.kind !== 'release');
  const [back, read] = steps;
  if (back?.shape.kind !== 'rollback-to' || read?.shape.kind !== 'select') return one;
  if (!read.shape.tables.some(({ name }) => name.name === shape.table.name)) return one;
  const code = lexer.dialect === 'postgres' ? '23505' : '1062';
  return {
    ...one,
    answer: { kind: 'error', code, key: 'unique' },
    presumed: 'the INSERT met a duplicate key, because it was rolled back and the row is read',
  };
}
