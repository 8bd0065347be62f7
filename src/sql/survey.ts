/**
 * One flat walk over a query's tokens at every depth: which tables and functions it names, and what kinds of clause it
 * has anywhere. Step 4 of the flow (text -> shape).
 *
 * No recursion: a small stack by depth of parentheses knows which clause each level is in. Errs towards naming too
 * much: an unknown function or table makes a pattern refuse.
 */
import { isAggregate } from './aggregates.ts';
import { endOfIndexHint } from './index-hints.ts';
import {
  isBareCall,
  isMysqlBareCall,
  isMysqlOperator,
  isSyntax,
  keywordId,
  keywordName,
} from './keywords.ts';
import { caselessName, endOfName, lowerAscii, tableName } from './names.ts';
import type { Name } from './shape.ts';
import { T, Tokens } from './tokens.ts';

const k = {
  select: keywordId('select'),
  with: keywordId('with'),
  values: keywordId('values'),
  table: keywordId('table'),
  insert: keywordId('insert'),
  update: keywordId('update'),
  delete: keywordId('delete'),
  merge: keywordId('merge'),
  share: keywordId('share'),
  no: keywordId('no'),
  key: keywordId('key'),
  distinct: keywordId('distinct'),
  is: keywordId('is'),
  not: keywordId('not'),
  rows: keywordId('rows'),
  within: keywordId('within'),
  as: keywordId('as'),
  time: keywordId('time'),
  local: keywordId('local'),
  in: keywordId('in'),
  value: keywordId('value'),
};

/** Clauses: in parentheses of an expression, the select list, FROM, FROM where a table is due, behind FROM. */
const clause = { none: 0, items: 1, from: 2, table: 3, rest: 4 } as const;

/** What the walk does at a keyword. */
const step = {
  none: 0,
  select: 1,
  from: 2,
  join: 3,
  /** Ends FROM. */
  end: 4,
  window: 5,
  for: 6,
  into: 7,
  table: 8,
  over: 9,
  filter: 10,
  lock: 11,
  only: 12,
  bareCall: 13,
  at: 14,
  similar: 15,
  escape: 16,
  overlaps: 17,
  hint: 18,
} as const;

const stepOf = new Uint8Array(256);
const steps: Partial<Record<keyof typeof step, string>> = {
  select: 'select',
  from: 'from',
  join: 'join straight_join',
  end: 'where group having order limit offset fetch union intersect except returning',
  window: 'window',
  for: 'for',
  into: 'into',
  table: 'table',
  over: 'over',
  filter: 'filter within',
  lock: 'lock',
  only: 'only lateral',
  at: 'at',
  similar: 'similar',
  escape: 'escape',
  overlaps: 'overlaps',
  hint: 'use force ignore',
};
for (const [name, words] of Object.entries(steps)) {
  for (const word of words.split(' ')) stepOf[keywordId(word)] = step[name as keyof typeof step];
}
for (let id = 0; id < 256; id++) {
  if (isBareCall(id) || isMysqlBareCall(id)) stepOf[id] = step.bareCall;
}

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

function emptySurvey(): Survey {
  return {
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
}

class Walk {
  private result = emptySurvey();
  private depth = 0;
  private tokens = new Tokens(8);
  private postgres = true;
  private readonly functions = new Set<string>();
  private readonly tables = new Map<string, Name>();

  run(tokens: Tokens, first: number, end: number, afterFrom: boolean): Survey {
    const result = emptySurvey();
    this.result = result;
    this.depth = 0;
    this.tokens = tokens;
    this.postgres = tokens.dialect === 'postgres';
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
    if (this.functions.size > 0) result.functions = [...this.functions];
    if (this.tables.size > 0) result.tables = [...this.tables.values()];
    this.functions.clear();
    this.tables.clear();
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
    if (word === k.select || word === k.with || word === k.values || word === k.table) {
      result.subquery = true;
      queryAt[this.depth] = query + 1;
      clauseAt[this.depth] = clause.none;
      if (word === k.with) result.with = true;
      if (word === k.values || word === k.table) result.unknown = true;
    } else if (word === k.insert || word === k.update || word === k.delete || word === k.merge) {
      result.modifying = true;
    }
  }

  /** Handles the word at i and returns the index of the next token to look at. */
  private word(i: number): number {
    const word = this.tokens.keyword(i);
    const todo = stepOf[word] as number;
    if (todo === step.hint) {
      const end = endOfIndexHint(this.tokens, i);
      if (end > i) return end;
    }
    if (todo !== step.none && this.keyword(i, todo)) return i + 1;
    if (word !== 0 && this.tokens.kind[i + 1] === T.Open && this.isSyntax(word)) return i + 1;
    if (clauseAt[this.depth] === clause.table) return this.tableOrCall(i);
    return this.nameOrCall(i);
  }

  private isSyntax(word: number): boolean {
    return isSyntax(word) || (!this.postgres && isMysqlOperator(word));
  }

  /** True when the keyword is syntax and not a name. */
  private keyword(i: number, todo: number): boolean {
    const { result, depth } = this;
    const at = clauseAt[depth];
    switch (todo) {
      case step.select:
        clauseAt[depth] = clause.items;
        return true;
      case step.from:
        if (at === clause.items && !isInnerWord(this.tokens, i)) clauseAt[depth] = clause.table;
        return true;
      case step.join:
        if (at === clause.from) clauseAt[depth] = clause.table;
        return true;
      case step.window:
        result.window = true;
        this.endOfFrom();
        return true;
      case step.for:
        if (this.isLocking(i)) result.locking = true;
        else if (!this.postgres) this.mysqlFor(i);
        this.endOfFrom();
        return true;
      case step.end:
        if (!isInnerWord(this.tokens, i)) this.endOfFrom();
        return true;
      case step.into:
        result.into = true;
        return true;
      case step.table:
        result.unknown = true;
        return true;
      case step.only:
        // MySQL has no ONLY, and no LATERAL but in front of a sub-query: tables of these names
        if (at === clause.table && !this.postgres && this.tokens.kind[i + 1] !== T.Open)
          result.unknown = true;
        return at === clause.table;
      default:
        return this.call(i, todo);
    }
  }

  private endOfFrom(): void {
    const at = clauseAt[this.depth];
    if (at === clause.from || at === clause.table || at === clause.items) clauseAt[this.depth] = clause.rest;
  }

  /** MySQL, MariaDB: NEXT VALUE FOR changes a sequence, FOR SYSTEM_TIME reads other rows; SUBSTRING(x FROM 1 FOR 2) is harmless. */
  private mysqlFor(i: number): void {
    const value = i > 0 && this.tokens.is(i - 1, k.value);
    if (value || clauseAt[this.depth] !== clause.none) this.result.unknown = true;
  }

  private isLocking(i: number): boolean {
    const next = this.tokens.keyword(i + 1);
    return next === k.update || next === k.share || next === k.no || next === k.key;
  }

  /** Words that are calls, or part of one, without being names in front of a parenthesis. */
  private call(i: number, todo: number): boolean {
    const { tokens, result } = this;
    const behindCall = i > 0 && tokens.kind[i - 1] === T.Close;
    switch (todo) {
      case step.over:
        if (behindCall) result.window = true;
        return behindCall;
      case step.filter:
        if (behindCall) this.aggregateHere();
        return behindCall;
      case step.lock:
        // LOCK IN SHARE MODE
        if (tokens.is(i + 1, k.in)) result.locking = true;
        return false;
      case step.bareCall:
        if (this.postgres && !isBareCall(tokens.keyword(i))) return false;
        this.functions.add(keywordName(tokens.keyword(i)));
        if (clauseAt[this.depth] === clause.table) clauseAt[this.depth] = clause.from;
        return true;
      case step.at:
        if (!tokens.is(i + 1, k.time) && !tokens.is(i + 1, k.local)) return false;
        this.functions.add('timezone');
        return true;
      case step.similar:
        this.functions.add('similar_to_escape');
        return true;
      case step.escape:
        this.functions.add('like_escape');
        return true;
      default:
        this.functions.add('overlaps');
        return true;
    }
  }

  private tableOrCall(i: number): number {
    const { tokens, depth } = this;
    clauseAt[depth] = clause.from;
    const end = endOfName(tokens, i);
    // a word that PG reserves is a table's name on MySQL
    if (end === i && !this.postgres && tokens.kind[i + 1] !== T.Open) this.result.unknown = true;
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
    if (before === T.Cast || (i > 0 && tokens.is(i - 1, k.as))) return end;
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

/** The FROM or GROUP at token i is no clause: IS [NOT] DISTINCT FROM, ROWS FROM ( … ), WITHIN GROUP ( … ). */
export function isInnerWord(tokens: Tokens, i: number): boolean {
  if (i > 0 && (tokens.is(i - 1, k.rows) || tokens.is(i - 1, k.within))) return true;
  if (i < 2 || !tokens.is(i - 1, k.distinct)) return false;
  return tokens.is(i - 2, k.is) || tokens.is(i - 2, k.not);
}

function callName(tokens: Tokens, i: number): string {
  return tokens.kind[i] === T.Quoted ? caselessName(tokens, i) : lowerAscii(tokens.raw(i));
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

const walk = new Walk();

/** Walks the tokens [first, end). `afterFrom`: they begin with a table, as behind FROM or a DELETE's USING. */
export function survey(tokens: Tokens, first: number, end: number, afterFrom = false): Survey {
  return walk.run(tokens, first, end, afterFrom);
}
