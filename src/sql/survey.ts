/**
 * One flat walk over a query's tokens at every depth: which tables and functions it names, and what kinds of clause it
 * has anywhere. Step 4 of the flow (text -> shape).
 *
 * No recursion: a small stack by depth of parentheses knows which clause each level is in. Errs towards naming too
 * much: an unknown function or table makes a pattern refuse.
 */
import { isAggregate } from './aggregates.ts';
import { isBareCall, isSyntax, keywordId, keywordName } from './keywords.ts';
import { endOfName, lowerAscii, nameOf, tableName } from './names.ts';
import type { Name } from './shape.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';

const k = Object.fromEntries(
  (
    'select from with values table where group having window order limit offset fetch for union intersect except ' +
    'returning join straight_join only lateral rows distinct into over update share no key lock filter within using ' +
    'insert delete merge as at time zone similar escape overlaps local is not'
  )
    .split(' ')
    .map((word) => [word, keywordId(word)]),
) as Record<string, number>;

/** Clauses: in parentheses of an expression, the select list, FROM, FROM where a table is due, behind FROM. */
const clause = { none: 0, items: 1, from: 2, table: 3, rest: 4 } as const;

const ends = new Set(
  'where group having window order limit offset fetch for union intersect except returning'
    .split(' ')
    .map((word) => k[word] as number),
);

export interface Survey {
  tables: Name[];
  functions: string[];
  /** A parenthesis that begins with SELECT or WITH. */
  subquery: boolean;
  with: boolean;
  into: boolean;
  locking: boolean;
  window: boolean;
  /** In the outermost query's select list, HAVING or ORDER BY. */
  aggregate: boolean;
  userVariable: boolean;
  /** INSERT, UPDATE, DELETE or MERGE in parentheses. */
  modifying: boolean;
  /** `TABLE t`, VALUES as a query: not understood. */
  unknown: boolean;
}

const maxDepth = 128;
const clauseAt = new Uint8Array(maxDepth);
const queryAt = new Uint8Array(maxDepth);

class Walk {
  readonly result: Survey = {
    tables: [],
    functions: [],
    subquery: false,
    with: false,
    into: false,
    locking: false,
    window: false,
    aggregate: false,
    userVariable: false,
    modifying: false,
    unknown: false,
  };
  private depth = 0;
  private readonly tokens: Tokens;
  private readonly functions = new Set<string>();
  private readonly tables = new Map<string, Name>();

  constructor(tokens: Tokens) {
    this.tokens = tokens;
  }

  run(first: number, end: number, afterFrom: boolean): Survey {
    const { tokens, result } = this;
    clauseAt[0] = afterFrom ? clause.table : clause.none;
    queryAt[0] = 0;
    let i = first;
    while (i < end) {
      const kind = tokens.kind[i];
      if (kind === T.Word || kind === T.Quoted) i = this.word(i);
      else {
        if (kind === T.Open || kind === T.OpenBracket) this.opening(i);
        else if (kind === T.Close || kind === T.CloseBracket) this.depth--;
        else if (kind === T.Comma && clauseAt[this.depth] === clause.from)
          clauseAt[this.depth] = clause.table;
        else if (kind === T.Variable || kind === T.Assign) result.userVariable = true;
        i++;
      }
    }
    result.functions = [...this.functions];
    result.tables = [...this.tables.values()];
    return result;
  }

  private opening(i: number): void {
    const { tokens, result } = this;
    const outer = clauseAt[this.depth] as number;
    const query = queryAt[this.depth] as number;
    const word = tokens.kind[i] === T.Open ? tokens.keyword(i + 1) : 0;
    if (outer === clause.table) clauseAt[this.depth] = clause.from;
    this.depth++;
    clauseAt[this.depth] = outer === clause.table ? clause.table : clause.none;
    queryAt[this.depth] = query;
    if (word === k['select'] || word === k['with'] || word === k['values'] || word === k['table']) {
      result.subquery = true;
      queryAt[this.depth] = query + 1;
      clauseAt[this.depth] = clause.none;
      if (word === k['with']) result.with = true;
      if (word === k['values'] || word === k['table']) result.unknown = true;
    } else if (word === k['insert'] || word === k['update'] || word === k['delete'] || word === k['merge']) {
      result.modifying = true;
    }
  }

  /** Handles the word at i and returns the index of the next token to look at. */
  private word(i: number): number {
    const word = this.tokens.keyword(i);
    if (word !== 0 && this.keyword(i, word)) {
      if (clauseAt[this.depth] === clause.table && isBareCall(word)) clauseAt[this.depth] = clause.from;
      return i + 1;
    }
    if (clauseAt[this.depth] === clause.table) return this.tableOrCall(i);
    return this.nameOrCall(i);
  }

  /** True when the keyword is syntax and not a name. */
  private keyword(i: number, word: number): boolean {
    const { tokens, result, depth } = this;
    const at = clauseAt[depth];
    if (word === k['select']) clauseAt[depth] = clause.items;
    else if (word === k['from']) {
      if (at === clause.items && !isInnerFrom(tokens, i)) clauseAt[depth] = clause.table;
    } else if (word === k['join'] || word === k['straight_join']) {
      if (at === clause.from) clauseAt[depth] = clause.table;
    } else if (ends.has(word)) {
      if (at === clause.from || at === clause.table || at === clause.items) clauseAt[depth] = clause.rest;
      if (word === k['window']) result.window = true;
      if (word === k['for']) this.locking(i);
    } else if (word === k['into']) result.into = true;
    else if (word === k['table'] && i > 0) result.unknown = true;
    else if (word === k['over'] && tokens.kind[i - 1] === T.Close) result.window = true;
    else if ((word === k['filter'] || word === k['within']) && tokens.kind[i - 1] === T.Close)
      this.aggregateHere();
    else if (word === k['lock'] && tokens.raw(i + 1).toLowerCase() === 'in') result.locking = true;
    else return this.call(i, word);
    return true;
  }

  private locking(i: number): void {
    const next = this.tokens.keyword(i + 1);
    if (next === k['update'] || next === k['share'] || next === k['no'] || next === k['key']) {
      this.result.locking = true;
    }
  }

  /** Words that are calls without being names in front of a parenthesis. */
  private call(i: number, word: number): boolean {
    const { tokens, functions } = this;
    if (isBareCall(word)) functions.add(keywordName(word));
    else if (
      word === k['at'] &&
      (tokens.is(i + 1, k['time'] as number) || tokens.is(i + 1, k['local'] as number))
    ) {
      functions.add('timezone');
    } else if (word === k['similar']) functions.add('similar_to_escape');
    else if (word === k['escape']) functions.add('like_escape');
    else if (word === k['overlaps']) functions.add('overlaps');
    else return tokens.kind[i + 1] === T.Open && isSyntax(word);
    return true;
  }

  private tableOrCall(i: number): number {
    const { tokens, depth } = this;
    const word = tokens.keyword(i);
    if (word === k['only'] || word === k['lateral']) return i + 1;
    clauseAt[depth] = clause.from;
    const end = endOfName(tokens, i);
    if (end === i || tokens.kind[end] === T.Open) return this.nameOrCall(i);
    const name = tableName(tokens, i, end);
    if (name === undefined) this.result.unknown = true;
    else this.tables.set(`${name.schema ?? ''}\0${name.name}`, name);
    return end;
  }

  private nameOrCall(i: number): number {
    const { tokens } = this;
    const end = callNameEnd(tokens, i);
    if (tokens.kind[end] !== T.Open) return end;
    const before = i > 0 ? tokens.kind[i - 1] : T.End;
    // a type's length, `x::varchar(3)` and CAST(x AS varchar(3)), and a list of column aliases
    if (before === T.Cast || (i > 0 && tokens.is(i - 1, k['as'] as number))) return end;
    const parts: string[] = [];
    for (let at = i; at < end; at += 2) parts.push(callName(tokens, at));
    const name = parts.join('.');
    this.functions.add(name);
    if (isAggregate(parts.at(-1) ?? '')) this.aggregateHere();
    return end;
  }

  private aggregateHere(): void {
    if (queryAt[this.depth] === 0) this.result.aggregate = true;
  }
}

/** FROM at token i belongs to IS [NOT] DISTINCT FROM, or to ROWS FROM ( … ). */
export function isInnerFrom(tokens: Tokens, i: number): boolean {
  if (i > 0 && tokens.is(i - 1, k['rows'] as number)) return true;
  if (i < 2 || !tokens.is(i - 1, k['distinct'] as number)) return false;
  return tokens.is(i - 2, k['is'] as number) || tokens.is(i - 2, k['not'] as number);
}

function callName(tokens: Tokens, i: number): string {
  return tokens.kind[i] === T.Quoted ? nameOf(tokens, i) : lowerAscii(tokens.raw(i));
}

/** Like endOfName, but reserved words may be called: `left(x, 1)`. */
function callNameEnd(tokens: Tokens, i: number): number {
  let end = i + 1;
  while (
    tokens.kind[end] === T.Dot &&
    (tokens.kind[end + 1] as number) <= T.Quoted &&
    tokens.kind[end + 1] !== T.End
  )
    end += 2;
  return end;
}

/** Walks the tokens [first, end). `afterFrom`: they begin with a table, as behind FROM or a DELETE's USING. */
export function survey(tokens: Tokens, first: number, end: number, afterFrom = false): Survey {
  return new Walk(tokens).run(first, end, afterFrom);
}
