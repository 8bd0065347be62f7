/**
 * What a statement is, as far as Interlock needs to know: step 4 of the flow (text -> shape).
 *
 * A shape is computed from tokens alone (classify.ts) and holds byte spans into the statement's text, so that a rewrite
 * can splice the original bytes and never re-print SQL. It is a claim, not a proof: candidates for a rewrite are checked
 * against a real grammar first (witness/).
 *
 * All text is latin1-decoded bytes: faithful for every ASCII-superset encoding, compared byte for byte.
 */

export type Dialect = 'postgres' | 'mysql' | 'mariadb';

/** How the session's server reads text. Follows ParameterStatus on PG, sql_mode and status flags on MySQL. */
export interface LexerSettings {
  dialect: Dialect;
  /** PG: false makes `\` an escape in plain strings (standard_conforming_strings). */
  standardConformingStrings: boolean;
  /** MySQL, MariaDB: `"x"` is an identifier. */
  ansiQuotes: boolean;
  /** MySQL, MariaDB: `\` is not an escape in strings. */
  noBackslashEscapes: boolean;
}

/** Byte offsets into the statement's text; end is exclusive. */
export interface Span {
  start: number;
  end: number;
}

/**
 * An identifier chain without its quotes; unquoted parts folded as the dialect does. MySQL, MariaDB: names of schemas,
 * tables and table aliases are as written, because the server's lower_case_table_names decides whether case counts:
 * names that differ in case only may be the same table. Names of columns, column aliases and savepoints never differ by
 * case there, so they come in small letters (ASCII).
 */
export interface Name {
  schema?: string;
  name: string;
}

export interface TableRef {
  name: Name;
  /** What column references call it: the alias, or else the table's own name. */
  alias: string;
  /** The token that a locking clause's `OF` has to repeat, quotes included: the alias token, or the last part of the name. */
  aliasSpan: Span;
  nameSpan: Span;
  /** True where an outer join may fill this table's columns with NULL. */
  nullable: boolean;
  only: boolean;
}

export interface ColumnRef {
  /** Table or alias in front of the dot, normalised. */
  qualifier?: string;
  schema?: string;
  column: string;
  span: Span;
}

/** A constant in the statement. `text` is unescaped; a number keeps its sign; `cast` is the normalised type name of `::type` / CAST. */
export type Value =
  // MySQL, MariaDB: cast 'binary' is a constant written as bytes (X'…', 0x…, _binary '…'); `text` is these bytes.
  | {
      kind: 'parameter';
      /** 1-based ($1; MySQL: position of `?`) */ index: number;
      cast?: string;
      span: Span;
    }
  | { kind: 'string' | 'number'; text: string; cast?: string; span: Span }
  | { kind: 'null' | 'boolean' | 'default' | 'other'; text: string; span: Span };

export interface SelectItem {
  span: Span;
  /** Set when the item is nothing but a column, with or without an alias. */
  column?: ColumnRef;
  /** Output name when it has an explicit alias. */
  alias?: string;
  /** `*` or `t.*` */
  star: boolean;
}

export interface Equality {
  column: ColumnRef;
  value: Value;
}

export interface SelectShape {
  kind: 'select';
  items: SelectItem[];
  /** Tables of the top-level FROM, in order; the first is the main table. */
  tables: TableRef[];
  /** The top-level FROM is nothing but plain tables, commas and joins. */
  plainFrom: boolean;
  /** Every table named anywhere, sub-queries included, without repetition. */
  tablesRead: Name[];
  /** Every function called anywhere (lower case, `schema.name` when qualified), without repetition. */
  functions: string[];
  /** Top-level AND conjuncts of WHERE of the form column = constant (either way round). */
  equalities: Equality[];
  hasWhere: boolean;
  distinct: boolean;
  groupBy: boolean;
  having: boolean;
  window: boolean;
  /** count, sum, min, max, avg, array_agg, … called in the top-level select list or HAVING. */
  aggregate: boolean;
  /** UNION, INTERSECT, EXCEPT at top level. */
  setOperation: boolean;
  with: boolean;
  into: boolean;
  /** Any SELECT inside parentheses. */
  subquery: boolean;
  /** FETCH FIRST / LIMIT; LIMIT ALL and LIMIT NULL count as none. */
  limit?: Value;
  /** A constant or parameter, or kind 'other'. OFFSET 0 is kept here; only the caller knows a parameter's value. */
  offset?: Value;
  fetch: boolean;
  /** FOR UPDATE / SHARE / NO KEY UPDATE / KEY SHARE, LOCK IN SHARE MODE anywhere in the statement. */
  locking: boolean;
  /** MySQL user variables, `:=`, and the optimizer hint SET_VAR. */
  userVariable: boolean;
  span: {
    /** From the first item to the last. */
    items: Span;
    /** From ORDER to the last token of the ordering list; absent without one. */
    orderBy?: Span;
    /** From the first token to the last one, without a trailing `;` and trailing comments. */
    body: Span;
  };
}

/** `key IN (list)`, `key = ANY (array)`, `key = a OR key = b`: what a split delete hands back to the server. */
export interface KeyList {
  column: ColumnRef;
  form: 'in' | 'any' | 'or';
  /** One value an element; for `any`, one value that is the whole array (a parameter or a string `{1,2}`), or the elements of ARRAY[…]. */
  values: Value[];
  /** form 'any' and the single value is an array. */
  array: boolean;
  /** The whole predicate, from the column to the closing parenthesis or last value. */
  span: Span;
  /** The column's own text. */
  columnSpan: Span;
}

export interface DeleteShape {
  kind: 'delete';
  table: TableRef;
  /** Present when WHERE is nothing but one key list (parentheses and `AND 1=1` allowed). */
  list?: KeyList;
  /** A list stands in WHERE beside other conditions (list is then absent). */
  listWithOthers: boolean;
  /** WHERE is `column = constant` alone. */
  single?: Equality;
  /** Composite keys: row values or OR of ANDs. */
  compositeList: boolean;
  returning: boolean;
  /** USING, ORDER BY, LIMIT, WITH, more than one table. */
  other: boolean;
  tablesRead: Name[];
  body: Span;
}

export interface UpdateShape {
  kind: 'update';
  table: Name;
  /** A key list anywhere in WHERE, for cascade detection. */
  list?: KeyList;
}

export interface InsertShape {
  kind: 'insert';
  table: Name;
  columns: string[];
  /** VALUES rows, each in the order of columns; absent for INSERT … SELECT or DEFAULT VALUES, or when rows and columns differ in length. */
  rows?: Value[][];
  /** ON CONFLICT, ON DUPLICATE KEY, IGNORE. */
  quiet: boolean;
}

export type TransactionShape =
  | { kind: 'begin' }
  | { kind: 'commit' | 'rollback'; chain: boolean }
  | { kind: 'savepoint' | 'release' | 'rollback-to'; savepoint: string };

/** MySQL, MariaDB: SET TRANSACTION ISOLATION LEVEL and its variable. `level` is missing where the text does not tell. */
export interface SetIsolationShape {
  kind: 'set-isolation';
  /** 'next': for the next transaction only. */
  scope: 'next' | 'session' | 'global';
  level?: 'read uncommitted' | 'read committed' | 'repeatable read' | 'serializable';
}

/**
 * kind 'noise': changes nothing that a pattern depends on (empty query, DEALLOCATE, SET of a harmless variable, SHOW).
 * kind 'set-constraints': the app decides when deferred checks run.
 * kind 'other': unknown effect.
 */
export type Shape =
  | SelectShape
  | DeleteShape
  | UpdateShape
  | InsertShape
  | TransactionShape
  | { kind: 'noise' }
  | { kind: 'set-constraints' }
  | SetIsolationShape
  | {
      kind: 'other';
      /** why the text was not understood, for the counters */ why:
        'unknown' | 'many-statements' | 'executable-comment' | 'lexical' | 'too-long';
    };

/** What the lexer alone knows; cheap, computed for every statement that is looked at. */
export interface StatementHead {
  /** Hash of the token stream with literals and list lengths taken out: 16 hex digits. */
  fingerprint: string;
  statements: number;
  executableComment: boolean;
  /** Comments that hold `interlock:off`. */
  optOut: boolean;
  /** MySQL, MariaDB: number of `?`. */
  parameters: number;
}
