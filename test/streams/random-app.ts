/**
 * Random apps for the properties: batches of messages in both protocols, mixed, pipelined, with statements that complete
 * the patterns, spoil them, or have nothing to do with them; and a server that fails some of them.
 */
import fc from 'fast-check';
import { Catalog } from './catalog.ts';
import { client, type Column } from './encode.ts';
import type { Answer, Brain, Execution } from './fake-server.ts';
import { binary } from './values.ts';
import { value, type PlanRule } from './script.ts';
import { bare } from './transaction.ts';

export const catalog = new Catalog({
  author: { columns: 'id int4 pk serial, name varchar' },
  book: { columns: 'id int4 pk serial, author_id int4 fk, n int4', deferrable: ['review_book_id_fkey'] },
  account: { columns: 'id int4 pk serial, email varchar not-null', unique: { account_email_key: 'email' } },
});

const column = (table: string, name: string): Column => {
  const found = catalog.find(table);
  const attribute = found?.columns.find((one) => one.name === name);
  if (found === undefined || attribute === undefined) throw new Error(`${table}.${name}`);
  return { name, table: found.oid, attribute: attribute.attribute, type: attribute.type, format: 0 };
};

/** What an app may send. `?` is a value: inlined in a Query, a parameter in a Parse. */
interface Template {
  sql: string;
  values: string[];
  answer: () => Answer;
}

const ids = ['3', '4'];
const tag =
  (text: string): (() => Answer) =>
  () => ({ kind: 'done', tag: text });
const rows = (columns: Column[], all: string[][]) => (): Answer => ({
  kind: 'rows',
  columns,
  rows: all,
  tag: `SELECT ${all.length}`,
});
const bookId = [column('book', 'id')];
const account = [column('account', 'id'), column('account', 'email')];

const templates: Template[] = [
  { sql: 'BEGIN', values: [], answer: tag('BEGIN') },
  { sql: 'COMMIT', values: [], answer: tag('COMMIT') },
  { sql: 'ROLLBACK', values: [], answer: tag('ROLLBACK') },
  { sql: 'SAVEPOINT s', values: [], answer: tag('SAVEPOINT') },
  { sql: 'ROLLBACK TO SAVEPOINT s', values: [], answer: tag('ROLLBACK') },
  { sql: 'RELEASE SAVEPOINT s', values: [], answer: tag('RELEASE') },
  {
    sql: 'SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = ?',
    values: ["'foo'"],
    answer: rows(bookId, [['3'], ['4']]),
  },
  { sql: 'DELETE FROM book WHERE id IN (?, ?)', values: ids, answer: tag('DELETE 2') },
  { sql: 'DELETE FROM book WHERE id IN (?)', values: ['3'], answer: tag('DELETE 1') },
  { sql: 'DELETE FROM book WHERE id = ?', values: ['3'], answer: tag('DELETE 1') },
  { sql: 'INSERT INTO account (email) VALUES (?)', values: ["'a@x'"], answer: tag('INSERT 0 1') },
  {
    sql: 'SELECT id, email FROM account WHERE email = ?',
    values: ["'a@x'"],
    answer: rows(account, [['7', 'a@x']]),
  },
  { sql: 'SELECT id, email FROM account WHERE email = ?', values: ["'b@x'"], answer: rows(account, []) },
  { sql: 'UPDATE book SET n = ? WHERE id = ?', values: ['1', '3'], answer: tag('UPDATE 1') },
  { sql: 'SELECT 1', values: [], answer: () => value('?column?', 23, '1') },
  { sql: 'SET application_name = x', values: [], answer: tag('SET') },
  { sql: '', values: [], answer: () => ({ kind: 'empty' }) },
];

const textOf = ({ sql, values }: Template, mark: (index: number) => string): string => {
  let index = 0;
  return sql.replaceAll('?', () => mark(index++) || values[index - 1] || '');
};
const inlined = (template: Template): string => textOf(template, () => '');
const parameterised = (template: Template): string => textOf(template, (index) => `$${index + 1}`);

const unquoted = (text: string): string => text.replaceAll("'", '');
const typeOf = (text: string): number => (text.startsWith("'") ? 25 : 23);

/** One statement as an app sends it, without a Sync. */
function messages(template: Template, how: How): Buffer[] {
  if (how.simple) return [client.query(inlined(template))];
  const types = template.values.map((one) => (how.binary ? typeOf(one) : 0));
  const values = template.values.map((one) =>
    how.binary ? binary(unquoted(one), typeOf(one)) : unquoted(one),
  );
  const format = [how.binary ? 1 : 0];
  const { name, portal } = how;
  return [
    // A named statement is closed first, so that it can be parsed again.
    ...(name === '' ? [] : [client.close('S', name)]),
    client.parse(name, parameterised(template), types),
    ...(how.describe === 'S' ? [client.describe('S', name)] : []),
    client.bind(portal, name, values, format, format),
    ...(how.describe === 'P' ? [client.describe('P', portal)] : []),
    ...(how.flush ? [client.flush()] : []),
    client.execute(portal, how.maxRows),
    ...(how.closePortal ? [client.close('P', portal)] : []),
  ];
}

interface How {
  simple: boolean;
  binary: boolean;
  name: string;
  portal: string;
  describe: 'S' | 'P' | 'no';
  flush: boolean;
  maxRows: number;
  closePortal: boolean;
}

const how: fc.Arbitrary<How> = fc.record({
  simple: fc.boolean(),
  binary: fc.boolean(),
  name: fc.constantFrom('', '', 's1', 's2'),
  portal: fc.constantFrom('', '', 'p1'),
  describe: fc.constantFrom('S' as const, 'P' as const, 'P' as const, 'no' as const),
  flush: fc.boolean(),
  maxRows: fc.constantFrom(0, 0, 0, 1),
  closePortal: fc.boolean(),
});

const at = (index: number): Template => templates[index] ?? { sql: '', values: [], answer: tag('') };
/** Sequences that complete a pattern are likelier than chance makes them. */
const split = [0, 6, 7, 1].map(at);
const reread = [0, 3, 10, 4, 11, 1].map(at);
const some = fc.array(fc.constantFrom(...templates), { minLength: 1, maxLength: 6 });
const sequence = fc.oneof(
  some,
  fc.constant(split),
  fc.constant(reread),
  fc
    .tuple(fc.constant(split), fc.nat({ max: 3 }), fc.constantFrom(...templates))
    .map(([all, where, more]) => all.toSpliced(where, 0, more)),
  fc
    .tuple(fc.constant(reread), fc.nat({ max: 5 }), fc.constantFrom(...templates))
    .map(([all, where, more]) => all.toSpliced(where, 0, more)),
);

export interface RandomApp {
  flights: Buffer[][];
  /** By number of the app's execution: the SQLSTATE it fails with. */
  failures: Map<number, string>;
  /** SQLSTATE with which every rewritten statement fails; '' none. */
  planFails: string;
  guard: 'had' | 'never' | 'error';
}

const statement = fc.record({ how, sync: fc.integer({ min: 0, max: 3 }), wait: fc.boolean() });

/** Statements end with a Sync more often than not; where the app does not wait, they travel in one flight. */
/** @param codes what the app's statements may fail with */
export const randomApp = (codes: readonly string[]): fc.Arbitrary<RandomApp> =>
  fc
    .record({
      sequences: fc.array(sequence, { minLength: 1, maxLength: 3 }),
      uniform: fc.boolean(),
      styles: fc.infiniteStream(statement),
      style: how,
      failures: fc.array(fc.tuple(fc.nat({ max: 14 }), fc.constantFrom(...codes)), {
        maxLength: 2,
      }),
      violations: fc.boolean(),
      planFails: fc.constantFrom('', '', '', '40P01', '23503', '55P03'),
      guard: fc.constantFrom('had' as const, 'had' as const, 'never' as const, 'error' as const),
    })
    .map(({ sequences, uniform, styles, style, failures, violations, planFails, guard }) => {
      const flights: Buffer[][] = [
        [client.startup({ user: 'app', database: 'shop' })],
        [client.password('x')],
      ];
      let flight: Buffer[] = [];
      const failing = new Map(failures);
      for (const [index, template] of sequences.flat().entries()) {
        const next = styles.next().value as { how: How; sync: number; wait: boolean } | undefined;
        const chosen = uniform || next === undefined ? style : next.how;
        if (violations && template.sql.startsWith('INSERT')) failing.set(index, '23505');
        flight.push(...messages(template, chosen));
        const synced = uniform || (next?.sync ?? 1) > 0;
        if (!chosen.simple && synced) flight.push(client.sync());
        if (uniform || next?.wait !== false) {
          flights.push(flight);
          flight = [];
        }
      }
      // Whatever is open is ended, so that everything is answered.
      flights.push([...flight, client.sync()]);
      const told = sequences
        .flat()
        .map((one) => one.sql)
        .join('; ');
      const describe = (): string =>
        `${told} | ${JSON.stringify({ failures: [...failing], planFails, guard })}`;
      return { flights, failures: failing, planFails, guard, [fc.toStringMethod]: describe };
    });

/** Errors that a plan passes on instead of falling back. */
const passedOn = /^(57014|57P|58|XX)/;

/**
 * Answers by the statement's text; a rewritten statement answers as its original, fails as its original, and is undone
 * with the plan's savepoint.
 */
export class RandomBrain implements Brain {
  executions = 0;
  rewritten = 0;
  /** The app's statements with the savepoints that were set when they ran. */
  readonly ran: string[] = [];
  readonly unexpected: string[] = [];
  #undo: (() => void) | undefined;
  readonly #app: RandomApp;
  readonly #rules: PlanRule[];

  constructor(app: RandomApp, rules: PlanRule[]) {
    this.#app = app;
    this.#rules = rules;
  }

  describe(sql: string): Column[] | undefined {
    const answer = this.#answer(sql);
    return answer?.kind === 'rows' ? answer.columns : undefined;
  }

  run(execution: Execution): Answer[] {
    const { sql, transaction } = execution;
    const isRewritten = sql.startsWith('/* interlock:');
    if (sql === 'ROLLBACK TO SAVEPOINT interlock_savepoint') this.#undo?.();
    if (!isRewritten && this.#answer(sql) === undefined) return this.#plan(execution);
    const failure = this.#app.failures.get(this.executions);
    this.#undo = undefined;
    if (isRewritten) {
      this.rewritten += 1;
      if (this.#app.planFails !== '') return [error(this.#app.planFails)];
      if (failure !== undefined && !passedOn.test(failure)) return [error(failure)];
      const before = { executions: this.executions, ran: this.ran.length };
      this.#undo = (): void => {
        this.executions = before.executions;
        this.ran.length = before.ran;
      };
    }
    this.executions += 1;
    const own = transaction.savepoints.filter((name) => name !== 'interlock_savepoint');
    this.ran.push(`${transaction.status} ${own.join()} ${isRewritten ? 'rewritten' : bare(sql)}`);
    if (failure !== undefined && transaction.accepts(sql)) return [error(failure)];
    return [this.#answer(sql) ?? { kind: 'empty' }];
  }

  #plan(execution: Execution): Answer[] {
    for (const rule of this.#rules) {
      const answers = rule(execution, undefined);
      if (answers !== undefined) return answers;
    }
    this.unexpected.push(execution.sql);
    return [error('XX000')];
  }

  #answer(sql: string): Answer | undefined {
    const text = bare(sql).replace(/ FOR UPDATE( OF \w+)?$/, '');
    if (text.startsWith('DELETE FROM book WHERE id IN (SELECT ')) return { kind: 'done', tag: 'DELETE 2' };
    return templates.find((one) => inlined(one) === text || parameterised(one) === text)?.answer();
  }
}

function error(code: string): Answer {
  const where =
    code === '23505' ? { schema: 'public', table: 'account', constraint: 'account_email_key' } : {};
  return { kind: 'error', error: { code, message: `failed ${code}`, ...where } };
}
