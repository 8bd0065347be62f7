/** Which dialect is a text of SQL? Backquotes are MySQL's and MariaDB's; double quotes, `$1` and `::` PostgreSQL's. Pure. */
import type { Dialect, LexerSettings } from '../sql/shape.ts';

/** Strings and comments say nothing about the dialect. */
const literals = /'(?:[^'\\]|''|\\.)*'|\/\*[\s\S]*?\*\/|--[^\n]*/g;

export function guessDialect(sql: string): Dialect {
  const bare = sql.replaceAll(literals, ' ');
  const count = (pattern: RegExp): number => bare.match(pattern)?.length ?? 0;
  const mysql = count(/`/g) + count(/\bset\s+autocommit\b/gi) + count(/\block\s+in\s+share\s+mode\b/gi);
  const postgres = count(/"/g) + count(/\$\d/g) + count(/::\w/g);
  return mysql > postgres ? 'mysql' : 'postgres';
}

/** As a server of that dialect reads text when nobody has changed its settings. */
export function plainLexer(dialect: Dialect): LexerSettings {
  return { dialect, standardConformingStrings: true, ansiQuotes: false, noBackslashEscapes: false };
}
