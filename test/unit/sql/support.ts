/** Shared by the SQL tests: settings, short forms, the harvested statements. */
import { readFileSync } from 'node:fs';
import { classify } from '../../../src/sql/classify.ts';
import { lex } from '../../../src/sql/lexer.ts';
import type {
  DeleteShape,
  Dialect,
  InsertShape,
  LexerSettings,
  SelectShape,
  Shape,
  TableRef,
} from '../../../src/sql/shape.ts';
import { T, Tokens } from '../../../src/sql/tokens.ts';

export const postgres: LexerSettings = {
  dialect: 'postgres',
  standardConformingStrings: true,
  ansiQuotes: true,
  noBackslashEscapes: true,
};
export const mysql: LexerSettings = {
  dialect: 'mysql',
  standardConformingStrings: true,
  ansiQuotes: false,
  noBackslashEscapes: false,
};

export function settingsOf(dialect: Dialect): LexerSettings {
  return dialect === 'postgres' ? postgres : { ...mysql, dialect };
}

export const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

export function shapeOf(text: string, settings = postgres): Shape {
  return classify(bytes(text), settings).shape;
}

export function selectOf(text: string): SelectShape {
  const shape = shapeOf(text);
  if (shape.kind !== 'select') throw new Error(`not a select but ${JSON.stringify(shape)}: ${text}`);
  return shape;
}

export function deleteOf(text: string): DeleteShape {
  const shape = shapeOf(text);
  if (shape.kind !== 'delete') throw new Error(`not a delete but ${JSON.stringify(shape)}: ${text}`);
  return shape;
}

export function insertOf(text: string): InsertShape {
  const shape = shapeOf(text);
  if (shape.kind !== 'insert') throw new Error(`not an insert but ${JSON.stringify(shape)}: ${text}`);
  return shape;
}

const kindNames = Object.fromEntries(Object.entries(T).map(([name, kind]) => [kind, name]));

/** Tokens as `Kind:text`; the first element says so when the text could not be read. */
export function tokensOf(text: string, settings = postgres): string[] {
  const tokens = new Tokens(4);
  lex(bytes(text), settings, tokens);
  const found: string[] = tokens.lexical ? ['LEXICAL'] : [];
  for (let i = 0; i < tokens.count; i++) {
    found.push(`${kindNames[tokens.kind[i] as number]}:${tokens.raw(i)}`);
  }
  return found;
}

export interface Harvested {
  orm: string;
  sql: string;
}

const lines = (name: string): string[] =>
  readFileSync(new URL(name, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '');

/** What ORMs really sent to PostgreSQL, one of each form. */
export const harvested: Harvested[] = lines('orm-postgres.jsonl').map(
  (line) => JSON.parse(line) as Harvested,
);

/** Statements written for these tests, one a line; `# …` is a comment. */
export const written: string[] = lines('statements-postgres.txt').filter((line) => !line.startsWith('# '));

/** The table of FROM that the SELECT's first column belongs to, as far as the text tells; undefined when it does not. */
export function keyTable(select: SelectShape): TableRef | undefined {
  const column = select.items[0]?.column;
  if (column === undefined) return undefined;
  if (column.qualifier === undefined) return select.tables.length === 1 ? select.tables[0] : undefined;
  const candidates = select.tables.filter((table) => table.alias === column.qualifier);
  if (candidates.length !== 1) return undefined;
  const [table] = candidates;
  return column.schema === undefined || column.schema === table?.name.schema ? table : undefined;
}
