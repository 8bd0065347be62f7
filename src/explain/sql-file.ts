/**
 * Plain SQL with results -> statements. A statement ends at its `;`; in a file without any `;` at the end of a line it ends
 * with its line. A result stands behind the statement, after `->` or as a comment, or on a line of its own after `->`:
 *
 *     SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.name = 'x'; -- 3, 4
 *     DELETE FROM book WHERE id IN (3, 4); -> DELETE 2
 *
 * A comment counts as a result only when nothing else can be read in it, and only behind the end of a statement; a `->`
 * without a `;` in front of it (it is PostgreSQL's JSON operator, too) only when the rest of the line is a result.
 */
import { lex } from '../sql/lexer.ts';
import type { LexerSettings } from '../sql/shape.ts';
import { T, Tokens } from '../sql/tokens.ts';
import { readAnswer } from './answers.ts';
import type { Answer, Said, Transcript } from './said.ts';
import { UnreadableInput } from './said.ts';

const limits = { maxBytes: 1 << 20, maxTokens: 131_072, maxDepth: 64, maxInsertValues: 0 };

interface Piece {
  line: number;
  sql: string;
  answer: Answer | undefined;
}

export function readSqlFile(text: string, settings: LexerSettings): Transcript {
  const said: Said[] = [];
  for (const { line, sql, answer } of pieces(text, settings)) {
    if (sql !== '') said.push({ session: '1', line, sql, answer: answerTo(sql, answer) });
    else if (answer !== undefined) {
      const last = said.at(-1);
      if (last === undefined) throw new UnreadableInput(`line ${line}: a result without a statement`);
      last.answer = answerTo(last.sql, answer);
    }
  }
  return { said };
}

/** One statement with its result, as the examples of a rule have it. */
export function readStatement(text: string, settings: LexerSettings): Said {
  const { said } = readSqlFile(text, settings);
  const [only, more] = said;
  if (only === undefined || more !== undefined)
    throw new UnreadableInput('write one statement, with its result behind `->`');
  return only;
}

/** `-- 2` behind a DELETE is how many rows it affected; a statement without a result succeeded, or it is not known. */
function answerTo(sql: string, answer: Answer | undefined): Answer {
  const rows = /^[\s(]*(?:\/\*.*?\*\/\s*)*(?:select|with|show|values|table|explain)\b/is.test(sql);
  if (answer === undefined) return rows ? { kind: 'unknown' } : { kind: 'done', affected: undefined };
  if (answer.kind !== 'rows' || rows) return answer;
  const [value, more] = answer.values ?? [];
  return more === undefined && /^\d+$/.test(value ?? '')
    ? { kind: 'done', affected: Number(value) }
    : answer.values === undefined
      ? { kind: 'done', affected: answer.count }
      : answer;
}

/** Of what is open: a quote, a comment, a parenthesis. */
const mayClose = /['"`$*)\]]/;

function* pieces(text: string, settings: LexerSettings): Generator<Piece> {
  const lines = text.split(/\r?\n/);
  const tokens = new Tokens();
  const bySemicolon = lines.some((line) => /;\s*(?:$|--|#|->)/.test(line));
  let pending = '';
  let begun = 0;
  for (const [index, line] of lines.entries()) {
    const own = /^\s*->(.*)$/.exec(line)?.[1];
    const result = pending.trim() === '' && own !== undefined ? readAnswer(own) : undefined;
    if (result !== undefined) {
      yield { line: index + 1, sql: '', answer: result };
      continue;
    }
    if (pending.trim() === '') begun = index + 1;
    pending = pending === '' ? line : `${pending}\n${line}`;
    if (tokens.lexical && !mayClose.test(line)) continue;
    for (;;) {
      const cut = firstStatement(pending, settings, tokens, bySemicolon, lines[index + 1]);
      if (cut === undefined) break;
      const found = piece(begun, cut.sql, cut.answer);
      if (found.sql !== '' && found.sql !== ';') yield found;
      pending = cut.rest;
      begun = index + 1;
      if (pending.trim() === '') break;
    }
  }
  const last = pending.trim();
  if (last === '') return;
  tokenize(last, settings, tokens);
  if (tokens.lexical && tokens.count > 0)
    throw new UnreadableInput(`line ${begun}: a quote, comment or parenthesis is not closed`);
  if (tokens.count > 0) yield piece(begun, last, undefined);
}

/** Comments up to the end of a line, in front of a statement. What opts out belongs to it. */
const commentsInFront = /^(?:\s+|(?:--|#)(?![^\n]*interlock:off)[^\n]*(?:\n|$))+/;

function piece(line: number, text: string, answer: Answer | undefined): Piece {
  const front = commentsInFront.exec(text)?.[0] ?? '';
  return { line: line + front.split('\n').length - 1, sql: text.slice(front.length), answer };
}

/** Cuts off the first statement of the text; undefined: it is not complete. */
function firstStatement(
  text: string,
  settings: LexerSettings,
  tokens: Tokens,
  bySemicolon: boolean,
  next: string | undefined,
): { sql: string; answer: Answer | undefined; rest: string } | undefined {
  const bytes = tokenize(text, settings, tokens);
  const at = (offset: number): string => bytes.toString('utf8', 0, offset);
  for (let i = 0; i < tokens.count; i++) {
    if (tokens.kind[i] !== T.Semicolon) continue;
    const sql = at(tokens.end[i] as number);
    const { answer, rest } = resultBehind(text.slice(sql.length));
    return { sql: sql.trim(), answer, rest };
  }
  const { lexical, count } = tokens;
  const found = bySemicolon && !beginsStatement(next) ? undefined : resultOfLine(text, bySemicolon);
  if (found !== undefined) {
    tokenize(found.sql, settings, tokens);
    if (!tokens.lexical) return { ...found, rest: '' };
  }
  if (lexical) return undefined;
  if (count === 0)
    return text.trim() === '' || !bySemicolon ? { sql: '', answer: undefined, rest: '' } : undefined;
  return bySemicolon ? undefined : { sql: text.trim(), answer: undefined, rest: '' };
}

function tokenize(text: string, settings: LexerSettings, tokens: Tokens): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  lex(bytes, settings, tokens, limits);
  if (tokens.tooLong) throw new UnreadableInput('a statement is longer than 1 MiB');
  return bytes;
}

/** Behind a `;`, on the same line. */
function resultBehind(rest: string): { answer: Answer | undefined; rest: string } {
  const [, mark, content = ''] = /^[ \t]*(->|--)([^\n]*)/.exec(rest) ?? [];
  const answer = mark === undefined ? undefined : readAnswer(content);
  if (answer === undefined) return { answer, rest };
  const end = rest.indexOf('\n');
  return { answer, rest: end < 0 ? '' : rest.slice(end) };
}

/** At the end of the text, without a `;`: the last ` -> ` or ` -- ` whose rest of the line is a result. */
function resultOfLine(text: string, arrowsOnly: boolean): { sql: string; answer: Answer } | undefined {
  const lineAt = text.lastIndexOf('\n') + 1;
  const line = text.slice(lineAt);
  for (const found of [...line.matchAll(/(?<=\s)(->|--)(?=\s)/g)].toReversed()) {
    if (arrowsOnly && found[1] === '--') continue;
    const answer = readAnswer(line.slice(found.index + 2));
    const sql = text.slice(0, lineAt + found.index).trim();
    if (answer !== undefined && sql !== '') return { sql, answer };
  }
  return undefined;
}

const words =
  /^\s*(?:$|--|->|(?:select|with|insert|replace|update|delete|begin|start|commit|rollback|savepoint|release|set|show|lock|use|call)\b)/i;

/** The line may be the first of another statement. */
function beginsStatement(line: string | undefined): boolean {
  return line === undefined || words.test(line);
}
