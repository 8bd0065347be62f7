/**
 * A database of authors and books in memory: a brain that really evaluates what reaches it, so that a rewritten DELETE can
 * be held against what the app meant. Everything is committed at once, as READ COMMITTED shows it to the next statement.
 */
import { Catalog } from './catalog.ts';
import type { Answer, Brain, Execution } from './fake-server.ts';
import type { PlanRule } from './script.ts';
import { bare } from './transaction.ts';

export const catalog = new Catalog({
  author: { columns: 'id int4 pk serial, name varchar' },
  book: { columns: 'id int4 pk serial, author_id int4 fk, n int4' },
});

export interface Book {
  id: number;
  author: string;
  n: number;
}

/** What a SELECT asks for: books of one author, by text or parameter, with bounds. */
export type Predicate = (book: Book) => boolean;

const join =
  /^SELECT b\.id FROM book b JOIN author a ON a\.id = b\.author_id WHERE (.*?)( ORDER BY b\.n)?( FOR UPDATE OF b)?$/;
const nested =
  /^SELECT id FROM book WHERE author_id IN \(SELECT id FROM author WHERE (.*?)\)(?: AND (.*?))?( FOR UPDATE OF book)?$/;

/** A SELECT of either form -> its predicate. Throws on any other text: nothing may be changed in it. */
export function predicateOf(select: string, parameters: readonly string[]): Predicate {
  const found = join.exec(select) ?? nested.exec(select);
  if (found === null) throw new Error(`not a query of the app: ${select}`);
  const conditions = [found[1], select.startsWith('SELECT id') ? found[2] : undefined]
    .filter((text) => text !== undefined)
    .flatMap((text) => text.split(' AND '))
    .map((text) => condition(text, parameters));
  return (book) => conditions.every((one) => one(book));
}

function condition(text: string, parameters: readonly string[]): Predicate {
  const [, column, operator, right = ''] = /^(?:\w\.)?(\w+) (=|>=|<>) (\S+)$/.exec(text.trim()) ?? [];
  const value = right.startsWith('$')
    ? (parameters[Number(right.slice(1)) - 1] ?? '')
    : right.replaceAll("'", '');
  const of = (book: Book): string | number =>
    column === 'name' ? book.author : column === 'n' ? book.n : book.id;
  if (operator === '=') return (book) => String(of(book)) === value;
  if (operator === '>=') return (book) => Number(of(book)) >= Number(value);
  if (operator === '<>') return (book) => String(of(book)) !== value;
  throw new Error(`not a condition of the app: ${text}`);
}

export class Library implements Brain {
  books: Book[];
  /** Ids of the last SELECT. */
  selected: number[] = [];
  rewritten: string[] = [];
  readonly #rules: PlanRule[];
  readonly #columns = catalog.find('book');

  constructor(books: Book[], rules: PlanRule[]) {
    this.books = books;
    this.#rules = rules;
  }

  describe(sql: string): ReturnType<Brain['describe']> {
    const oid = this.#columns?.oid ?? 0;
    return /^select/i.test(bare(sql))
      ? [{ name: 'id', table: oid, attribute: 1, type: 23, format: 0 }]
      : undefined;
  }

  run(execution: Execution): Answer[] {
    const text = bare(execution.sql);
    const values = execution.values.map((value, index) =>
      value === null
        ? ''
        : execution.formats[index] === 1
          ? String(value.readInt32BE(0))
          : value.toString('utf8'),
    );
    if (text.startsWith('SELECT b.id') || text.startsWith('SELECT id')) {
      this.selected = this.books.filter(predicateOf(text, values)).map((book) => book.id);
      const columns = this.describe(text) ?? [];
      return [
        {
          kind: 'rows',
          columns,
          rows: this.selected.map((id) => [String(id)]),
          tag: `SELECT ${this.selected.length}`,
        },
      ];
    }
    if (text.startsWith('DELETE')) return [this.#delete(text, values, execution.sql)];
    for (const rule of this.#rules) {
      const answers = rule(execution, undefined);
      if (answers !== undefined) return answers;
    }
    return [{ kind: 'done', tag: text.split(' ')[0] ?? '' }];
  }

  #delete(text: string, values: string[], sql: string): Answer {
    const inner = /^DELETE FROM book WHERE id IN \((SELECT .*)\)$/.exec(text)?.[1];
    if (inner !== undefined) this.rewritten.push(sql);
    const listed = inner === undefined ? new Set(listOf(text, values)) : undefined;
    const goes =
      inner === undefined
        ? (book: Book): boolean => listed?.has(book.id) === true
        : predicateOf(inner, values);
    const before = this.books.length;
    this.books = this.books.filter((book) => !goes(book));
    return { kind: 'done', tag: `DELETE ${before - this.books.length}` };
  }
}

function listOf(text: string, values: string[]): number[] {
  const list = /^DELETE FROM book WHERE id IN \((.*)\)$/.exec(text)?.[1];
  if (list === undefined) throw new Error(`not a DELETE of the app: ${text}`);
  return list
    .split(', ')
    .map((item) => Number(item.startsWith('$') ? values[Number(item.slice(1)) - 1] : item));
}
