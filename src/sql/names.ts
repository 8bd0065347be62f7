/**
 * Identifiers and dotted names out of tokens. Step 4 of the flow (text -> shape).
 *
 * Names come out as the server compares them: PG folds unquoted ASCII letters to lower case, quoted names keep their
 * case. On MySQL and MariaDB the names of tables, schemas and table aliases are left as written (it depends on the server
 * whether case counts), the others are folded whether quoted or not (manual 11.2.3).
 */
import { isReserved, isReservedInMysql } from './keywords.ts';
import type { ColumnRef, Name } from './shape.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';

/** ASCII only: the text is bytes, and other letters must stay as they are. */
export function lowerAscii(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text;
}

/** Token i can be an identifier (it is none of the reserved words). */
export function isName(tokens: Tokens, i: number): boolean {
  const kind = tokens.kind[i];
  if (kind !== T.Word) return kind === T.Quoted;
  const word = tokens.detail[i] as number;
  return !(tokens.dialect === 'postgres' ? isReserved(word) : isReservedInMysql(word));
}

/** The identifier of token i, normalised. */
export function nameOf(tokens: Tokens, i: number): string {
  const raw = tokens.raw(i);
  if (tokens.kind[i] === T.Quoted) {
    const quote = raw.charAt(raw.length - 1);
    const body = raw.slice(raw.indexOf(quote) + 1, -1);
    return body.includes(quote) ? body.replaceAll(quote + quote, quote) : body;
  }
  return tokens.dialect === 'postgres' ? lowerAscii(raw) : raw;
}

/** The identifier of token i as a column, an alias of a column or a savepoint: case never counts on MySQL. */
export function caselessName(tokens: Tokens, i: number): string {
  return tokens.dialect === 'postgres' ? nameOf(tokens, i) : lowerAscii(nameOf(tokens, i));
}

/** Index behind the dotted name that begins at i, or i when there is none. Blanks around dots are allowed, as on PG. */
export function endOfName(tokens: Tokens, i: number): number {
  if (!isName(tokens, i)) return i;
  let end = i + 1;
  while (tokens.kind[end] === T.Dot && isNameAfterDot(tokens, end + 1)) end += 2;
  return end;
}

/** Behind a dot any word is a name; the lexer has left keywords out there. */
function isNameAfterDot(tokens: Tokens, i: number): boolean {
  return tokens.kind[i] === T.Word || tokens.kind[i] === T.Quoted;
}

/** Table name of the tokens [first, end): `t`, `s.t`; undefined for a catalog in front. */
export function tableName(tokens: Tokens, first: number, end: number): Name | undefined {
  if (end - first === 1) return { name: nameOf(tokens, first) };
  if (end - first === 3) return { schema: nameOf(tokens, first), name: nameOf(tokens, first + 2) };
  return undefined;
}

/** Column reference of the tokens [first, end): `c`, `t.c`, `s.t.c`; undefined when they are anything else. */
export function columnRef(tokens: Tokens, first: number, end: number): ColumnRef | undefined {
  if (end - first > 5 || end <= first || endOfName(tokens, first) !== end) return undefined;
  const span = tokens.span(first, end - 1);
  const column = caselessName(tokens, end - 1);
  if (end - first === 1) return { column, span };
  const qualifier = nameOf(tokens, end - 3);
  if (end - first === 3) return { qualifier, column, span };
  return { schema: nameOf(tokens, first), qualifier, column, span };
}
