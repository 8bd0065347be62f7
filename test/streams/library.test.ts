/**
 * Invariant 1, on a database in memory: a rewritten DELETE removes only rows that the original, or a fresh evaluation of
 * the app's own predicate, would remove; the client is told the true number; and it is rewritten exactly when the lists
 * add up to what the SELECT returned.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frames } from './decode.ts';
import { Link } from './drive.ts';
import { client } from './encode.ts';
import { FakeServer } from './fake-server.ts';
import { factsRule } from './facts.ts';
import { catalog, Library, predicateOf, type Book } from './library.ts';
import { controlRule, stateRule } from './script.ts';
import { makeSession, ruleSet } from './session.ts';

const long = process.env['INTERLOCK_TEST_LONG'] === '1';
const author = fc.constantFrom('foo', 'bar');
const small = fc.integer({ min: 0, max: 4 });

interface Query {
  /** `?` for a value. */
  sql: string;
  values: string[];
}

const query: fc.Arbitrary<Query> = fc
  .record({
    name: author,
    least: fc.option(small),
    without: fc.option(small),
    form: fc.constantFrom('join', 'nested'),
    ordered: fc.boolean(),
  })
  .map(({ name, least, without, form, ordered }) => {
    const prefix = form === 'join' ? 'b.' : '';
    const more = [
      ...(least === null ? [] : [`${prefix}n >= ?`]),
      ...(without === null ? [] : [`${prefix}id <> ?`]),
    ];
    const values = [`'${name}'`, ...[least, without].filter((one) => one !== null).map(String)];
    if (form === 'join') {
      const where = ['a.name = ?', ...more].join(' AND ');
      const order = ordered ? ' ORDER BY b.n' : '';
      return {
        sql: `SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE ${where}${order}`,
        values,
      };
    }
    const rest = more.map((one) => ` AND ${one}`).join('');
    return {
      sql: `SELECT id FROM book WHERE author_id IN (SELECT id FROM author WHERE name = ?)${rest}`,
      values,
    };
  });

/** What somebody else commits between the SELECT and the DELETE. */
type Change = { kind: 'add'; author: string; n: number } | { kind: 'remove' | 'move'; which: number };
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), author, n: small }),
  fc.record({ kind: fc.constantFrom('remove' as const, 'move' as const), which: small }),
);

const story = fc.record({
  books: fc.array(fc.record({ author, n: small }), { maxLength: 7 }),
  query,
  changes: fc.array(change, { maxLength: 4 }),
  /** What the app does with the ids: all of them, without one, with a strange one; reversed; in chunks. */
  list: fc.constantFrom('all', 'all', 'all', 'fewer', 'more'),
  reversed: fc.boolean(),
  chunk: fc.constantFrom(100, 100, 2),
  protocol: fc.constantFrom('simple', 'text', 'binary'),
});

function send(link: Link, { sql, values }: Query, protocol: string): void {
  let index = 0;
  if (protocol === 'simple') return link.send(client.query(sql.replaceAll('?', () => values[index++] ?? '')));
  const binary = protocol === 'binary';
  const numbers = values.map((value) => (binary && /^\d/.test(value) ? Number(value) : undefined));
  const bound = values.map((value, at) => {
    const number = numbers[at];
    if (number === undefined) return value.replaceAll("'", '');
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(number);
    return bytes;
  });
  link.send(
    Buffer.concat([
      client.parse(
        '',
        sql.replaceAll('?', () => `$${++index}`),
        numbers.map((number) => (number === undefined ? 0 : 23)),
      ),
      client.bind(
        '',
        '',
        bound,
        numbers.map((number) => (number === undefined ? 0 : 1)),
        [binary ? 1 : 0],
      ),
      client.describe('P', ''),
      client.execute(''),
      client.sync(),
    ]),
  );
}

function apply(books: Book[], changes: readonly Change[]): Book[] {
  let next = Math.max(0, ...books.map((book) => book.id)) + 1;
  let now = [...books];
  for (const one of changes) {
    if (one.kind === 'add') now.push({ id: next++, author: one.author, n: one.n });
    else {
      const book = now[one.which % Math.max(1, now.length)];
      if (book === undefined) continue;
      now = one.kind === 'remove' ? now.filter((other) => other !== book) : now;
      if (one.kind === 'move')
        now = now.map((other) => (other === book ? { ...book, author: 'bar' } : other));
    }
  }
  return now;
}

const ids = (books: readonly Book[]): number[] => books.map((book) => book.id);

describe('a split delete on a database in memory', () => {
  it('removes what the app or its predicate would, and is rewritten only on the whole set', () => {
    const seen = { rewritten: 0, left: 0, differed: 0 };
    const property = fc.property(
      story,
      ({ books, query: asked, changes, list, reversed, chunk, protocol }) => {
        const library = new Library(
          books.map((book, index) => ({ id: index + 1, ...book })),
          [stateRule(), factsRule(catalog), controlRule],
        );
        const server = new FakeServer(library);
        const link = new Link(makeSession(ruleSet({ mode: 'rewrite', tablesNamed: true })), server);
        link.send(client.startup({ user: 'app', database: 'shop' }));
        link.send(client.password('x'));
        send(link, { sql: 'BEGIN', values: [] }, protocol);
        send(link, asked, protocol);
        const returned = [...library.selected];
        library.books = apply(library.books, changes);
        const wanted = list === 'fewer' ? returned.slice(1) : list === 'more' ? [...returned, 99] : returned;
        const order = reversed ? wanted.toReversed() : wanted;
        const chunks = Array.from({ length: Math.ceil(order.length / chunk) }, (_, at) =>
          order.slice(at * chunk, (at + 1) * chunk),
        );
        for (const [index, part] of chunks.entries()) {
          const before = library.books;
          const meant = before.filter(predicateOf(inlined(asked), []));
          const rewritesBefore = library.rewritten.length;
          const sentBefore = link.transcript.toClient.length;
          send(
            link,
            {
              sql: `DELETE FROM book WHERE id IN (${part.map(() => '?').join(', ')})`,
              values: part.map(String),
            },
            protocol,
          );
          const removed = ids(before).filter((id) => !ids(library.books).includes(id));
          const byList = ids(before).filter((id) => part.includes(id));
          const rewritten = library.rewritten.length > rewritesBefore;
          for (const id of removed) expect([...part, ...ids(meant)]).toContain(id);
          expect(removed).toEqual(rewritten ? ids(meant) : byList);
          const sent = chunks.slice(0, index + 1).flat();
          const whole = sent.length === returned.length && sent.every((id) => returned.includes(id));
          // A predicate with a sub-query may read what earlier chunks deleted: such chunks are left alone.
          const chunkedNested = index > 0 && asked.sql.startsWith('SELECT id');
          expect(rewritten).toBe(whole && !chunkedNested);
          const answer = frames(link.transcript.toClient.subarray(sentBefore)).frames.find(
            (frame) => frame.type === 'C',
          );
          expect(answer?.body.toString('latin1')).toBe(`DELETE ${removed.length}\0`);
          seen[rewritten ? 'rewritten' : 'left'] += 1;
          if (rewritten && removed.join() !== byList.join()) seen.differed += 1;
        }
        expect(link.session.raw).toBe(false);
      },
    );
    const numRuns = long ? 20_000 : 1500;
    fc.assert(property, { numRuns });
    expect(seen.rewritten).toBeGreaterThan(numRuns / 8);
    expect(seen.left).toBeGreaterThan(numRuns / 8);
    // The race is there: often the rewritten DELETE removes other rows than the list would.
    expect(seen.differed).toBeGreaterThan(numRuns / 20);
  }, 300_000);
});

function inlined({ sql, values }: Query): string {
  let index = 0;
  return sql.replaceAll('?', () => values[index++] ?? '');
}
