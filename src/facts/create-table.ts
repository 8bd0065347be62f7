/**
 * The text of SHOW CREATE TABLE, as MySQL 5.7 to 9.7 and MariaDB print it -> columns, keys, engine. Serves step 7. A
 * statement of the server's own making, so only its own way of writing is read: a name without quotes (sql_quote_show_create
 * off), a missing ENGINE (sql_mode NO_TABLE_OPTIONS) or an item that is not known give undefined.
 */
import { mysqlKeyTypeOfDeclaration } from '../memory/keys-mysql.ts';
import type { Name } from '../sql/shape.ts';

export interface TableColumn {
  name: string;
  /** Key type, see memory/keys-mysql.ts; 0: not compared. */
  type: number;
  notNull: boolean;
  /** AUTO_INCREMENT, or a default that makes identifiers: UUID(), NEXTVAL(). */
  generatesIds: boolean;
}

export interface TableKey {
  /** 'PRIMARY' for the primary key. */
  name: string;
  /** Columns in order; an expression has none. */
  columns: string[];
  /** A column counts with its first characters only. */
  prefix: boolean;
  expression: boolean;
}

export interface CreatedTable {
  temporary: boolean;
  columns: TableColumn[];
  /** Primary and unique keys. */
  keys: TableKey[];
  /** In small letters: InnoDB repeats the case of the constraint, not of the column. */
  foreignKeyColumns: Set<string>;
  /** Tables whose DELETE writes this one (ON DELETE CASCADE, SET NULL, SET DEFAULT); no schema: that of this table. */
  writtenBy: Name[];
  engine: string;
  partitioned: boolean;
  /** System versioning, sequences: a table, but not an ordinary one. */
  special: boolean;
}

interface Token {
  kind: 'name' | 'string' | 'word' | 'sign';
  text: string;
}

/** Quoted names, strings (backslash escapes and doubled quotes), words, single signs. Blanks separate. */
const token = /\s*(?:`((?:[^`]|``)*)`|"((?:[^"]|"")*)"|('(?:[^'\\]|\\[\s\S]|'')*')|([\w$.\x80-\xff]+)|(\S))/y;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  token.lastIndex = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [, backticks, double, string, word, sign = ''] = match;
    if (backticks !== undefined) tokens.push({ kind: 'name', text: backticks.replaceAll('``', '`') });
    else if (double !== undefined) tokens.push({ kind: 'name', text: double.replaceAll('""', '"') });
    else if (string !== undefined) tokens.push({ kind: 'string', text: string });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else tokens.push({ kind: 'sign', text: sign });
  }
  return tokens;
}

/** @param text bytes as latin1. Undefined: a view, or nothing that is understood. */
export function readCreateTable(text: string): CreatedTable | undefined {
  const tokens = tokensOf(text);
  let at = 0;
  if (!isWord(tokens[at++], 'create')) return undefined;
  const temporary = isWord(tokens[at], 'temporary');
  if (temporary) at++;
  if (!isWord(tokens[at], 'table') || tokens[at + 1]?.kind !== 'name') return undefined;
  const body = group(tokens, at + 2);
  if (body === undefined) return undefined;
  const options = optionsOf(tokens.slice(body.end));
  if (options === undefined) return undefined;
  const table: CreatedTable = {
    temporary,
    columns: [],
    keys: [],
    foreignKeyColumns: new Set(),
    writtenBy: [],
    ...options,
  };
  return separated(body.tokens).every((item) => readItem(table, item)) ? table : undefined;
}

function isWord(one: Token | undefined, word: string): boolean {
  return one?.kind === 'word' && one.text.toLowerCase() === word;
}

function isSign(one: Token | undefined, sign: string): boolean {
  return one?.kind === 'sign' && one.text === sign;
}

/** What stands between the parenthesis at `from` and its partner; `end` is behind it. */
function group(tokens: Token[], from: number): { tokens: Token[]; end: number } | undefined {
  if (!isSign(tokens[from], '(')) return undefined;
  let depth = 0;
  for (let i = from; i < tokens.length; i++) {
    if (isSign(tokens[i], '(')) depth++;
    else if (isSign(tokens[i], ')') && --depth === 0)
      return { tokens: tokens.slice(from + 1, i), end: i + 1 };
  }
  return undefined;
}

/** Split at the commas outside parentheses. */
function separated(tokens: Token[]): Token[][] {
  const items: Token[][] = [[]];
  let depth = 0;
  for (const one of tokens) {
    if (isSign(one, '(')) depth++;
    else if (isSign(one, ')')) depth--;
    if (depth === 0 && isSign(one, ',')) items.push([]);
    else items.at(-1)?.push(one);
  }
  return items;
}

function optionsOf(tokens: Token[]): Pick<CreatedTable, 'engine' | 'partitioned' | 'special'> | undefined {
  const words = tokens.map((one) => (one.kind === 'word' || one.kind === 'sign' ? one.text : '?')).join(' ');
  const engine = /\bENGINE = (\w+)/.exec(words)?.[1];
  if (engine === undefined) return undefined;
  return {
    engine,
    partitioned: /\bPARTITION BY\b/i.test(words),
    special: /\bSYSTEM VERSIONING\b|\bSEQUENCE = 1\b/i.test(words),
  };
}

function readItem(table: CreatedTable, item: Token[]): boolean {
  const [first, second] = item;
  if (first?.kind === 'name') return readColumn(table, item);
  switch (first?.text.toLowerCase()) {
    case 'primary':
      return isWord(second, 'key') && readKey(table, 'PRIMARY', item, 2);
    case 'unique':
      return isWord(second, 'key') && item[2]?.kind === 'name' && readKey(table, item[2].text, item, 3);
    case 'key':
    case 'fulltext':
    case 'spatial':
    case 'vector':
    case 'check':
      return true;
    case 'constraint':
      return second?.kind === 'name' && readConstraint(table, item);
    default:
      return false;
  }
}

const idFunctions = /^(uuid|uuid_v4|uuid_v7|uuid_short|sys_guid|nextval|random_bytes)$/i;

function readColumn(table: CreatedTable, item: Token[]): boolean {
  const [name, type, ...rest] = item;
  if (name === undefined || type?.kind !== 'word') return false;
  const has = (...words: string[]): boolean =>
    rest.some((_, at) => words.every((word, i) => isWord(rest[at + i], word)));
  const start = rest.findIndex((one) => isWord(one, 'default'));
  // A default is printed before ON UPDATE, COMMENT and the like, which call nothing of these.
  const makes =
    start >= 0 && rest.slice(start).some((one) => one.kind === 'word' && idFunctions.test(one.text));
  table.columns.push({
    name: name.text,
    type: mysqlKeyTypeOfDeclaration(type.text),
    notNull: has('not', 'null'),
    generatesIds: !has('as') && (has('auto_increment') || makes),
  });
  return true;
}

function readKey(table: CreatedTable, name: string, item: Token[], from: number): boolean {
  const parts = group(item, from);
  if (parts === undefined) return false;
  const key: TableKey = { name, columns: [], prefix: false, expression: false };
  for (const [first, second] of separated(parts.tokens)) {
    if (isSign(first, '(')) key.expression = true;
    else if (first?.kind !== 'name') return false;
    else {
      key.columns.push(first.text);
      if (isSign(second, '(')) key.prefix = true;
      // `WITHOUT OVERLAPS` of an application-time period: not unique by its columns.
      else if (second !== undefined && !isWord(second, 'desc') && !isWord(second, 'asc')) return false;
    }
  }
  table.keys.push(key);
  return true;
}

function readConstraint(table: CreatedTable, item: Token[]): boolean {
  if (isWord(item[2], 'check')) return true;
  const columns = group(item, 4);
  if (!isWord(item[2], 'foreign') || columns === undefined) return false;
  for (const { kind, text } of columns.tokens)
    if (kind === 'name') table.foreignKeyColumns.add(text.toLowerCase());
  return readReference(table, item.slice(columns.end));
}

/** `REFERENCES t (…) ON DELETE …`; NO ACTION and RESTRICT write nothing. */
function readReference(table: CreatedTable, item: Token[]): boolean {
  const [references, first, dot, second] = item;
  if (!isWord(references, 'references') || first?.kind !== 'name') return false;
  const at = item.findIndex((one, i) => isWord(one, 'on') && isWord(item[i + 1], 'delete'));
  const action = item[at + 2];
  if (at < 0 || isWord(action, 'no') || isWord(action, 'restrict')) return true;
  const qualified = dot?.text === '.' && second?.kind === 'name';
  table.writtenBy.push(qualified ? { schema: first.text, name: second.text } : { name: first.text });
  return true;
}
