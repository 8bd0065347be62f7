/**
 * MySQL, MariaDB: lexing one statement again, for the builders and the witness (step 7 of the flow), which may not know
 * the session's sql_mode.
 */
import { lex } from './lexer.ts';
import type { LexerSettings } from './shape.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';

/** The server's defaults. */
export const mysqlDefaults: LexerSettings = {
  dialect: 'mysql',
  standardConformingStrings: true,
  ansiQuotes: false,
  noBackslashEscapes: false,
};

/** False: not one readable statement, or without `settings` one whose reading depends on sql_mode. */
export function lexMysql(text: Buffer, tokens: Tokens, settings?: LexerSettings): boolean {
  lex(text, settings ?? mysqlDefaults, tokens);
  if (tokens.lexical || tokens.opaque || tokens.tooLong) return false;
  if (tokens.executableComment || tokens.statements !== 1) return false;
  return settings !== undefined || !dependsOnMode(tokens);
}

/** A string in double quotes (ANSI_QUOTES), or one with a backslash (NO_BACKSLASH_ESCAPES). */
function dependsOnMode(tokens: Tokens): boolean {
  for (let i = 0; i < tokens.count; i++) {
    if (tokens.kind[i] !== T.String) continue;
    const end = tokens.end[i] as number;
    for (let at = tokens.start[i] as number; at < end; at++) {
      if (tokens.text[at] === 0x5c || (at === tokens.start[i] && tokens.text[at] === 0x22)) return true;
    }
  }
  return false;
}
