/** Shared by the MySQL and MariaDB tests: settings and short forms. */
import { readFileSync } from 'node:fs';
import { classify } from '../../../../src/sql/classify.ts';
import type {
  DeleteShape,
  InsertShape,
  LexerSettings,
  SelectShape,
  Shape,
} from '../../../../src/sql/shape.ts';

export const mysql: LexerSettings = {
  dialect: 'mysql',
  standardConformingStrings: true,
  ansiQuotes: false,
  noBackslashEscapes: false,
};
export const mariadb: LexerSettings = { ...mysql, dialect: 'mariadb' };
export const ansi: LexerSettings = { ...mysql, ansiQuotes: true };

export const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

export function shapeOf(text: string, settings = mysql): Shape {
  return classify(bytes(text), settings).shape;
}

function shaped<K extends Shape['kind']>(
  kind: K,
  text: string,
  settings: LexerSettings,
): Extract<Shape, { kind: K }> {
  const shape = shapeOf(text, settings);
  if (shape.kind !== kind) throw new Error(`no ${kind} but ${JSON.stringify(shape)}: ${text}`);
  return shape as Extract<Shape, { kind: K }>;
}

export const selectOf = (text: string, settings = mysql): SelectShape => shaped('select', text, settings);
export const deleteOf = (text: string, settings = mysql): DeleteShape => shaped('delete', text, settings);
export const insertOf = (text: string, settings = mysql): InsertShape => shaped('insert', text, settings);

export interface Harvested {
  orm: string;
  sql: string;
}

const lines = (name: string): string[] =>
  readFileSync(new URL(name, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '');

/** What ORMs really sent to MariaDB and MySQL, one of each form. */
export const harvested: Harvested[] = lines('orm-mysql.jsonl').map((line) => JSON.parse(line) as Harvested);
