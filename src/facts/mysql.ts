/**
 * Catalog facts of MySQL and MariaDB: one SHOW CREATE TABLE a table, run by the session as steps of a plan. It takes no
 * lock but that on the metadata and opens no read view, which information_schema and SHOW INDEX do on MySQL 9.7.
 *
 * The name is the one of the app's own statement, so that a temporary table and the default database are seen. Names come
 * back as the server spells them; columns in small letters, as in shapes, because their case never counts.
 */
import type { Statement } from '../memory/types.ts';
import type { Name } from '../sql/shape.ts';
import { readCreateTable } from './create-table.ts';
import { setsNothingOff, sideEffects } from './side-effects-mysql.ts';
import type { CreatedTable, TableKey } from './create-table.ts';
import type { Facts, FactsQuestion, KeyFacts, RelationFacts } from './types.ts';

/** In a fixed order: the target, then every other table once; with chunks, what a DELETE sets off. */
export function mysqlLookUps(question: FactsQuestion): string[] {
  const tables = tablesOf(question).map((name) => `SHOW CREATE TABLE ${quoted(name)}`);
  return question.chunks === true ? [...tables, sideEffects(question.target)] : tables;
}

/** What has to be asked besides, after the answers to mysqlLookUps: see actionsReach. */
export function mysqlFurtherLookUps(
  question: FactsQuestion,
  answers: readonly ((string | null)[] | undefined)[],
  database: string,
): string[] {
  if (question.chunks === true || question.constraint !== undefined) return [];
  const seen = tablesOf(question).map((name, at) => readTable(name, answers[at], database));
  return actionsReach(seen) === 'perhaps' ? [sideEffects(question.target)] : [];
}

/**
 * Does the DELETE write a table that it reads? The definitions of those tables tell where the foreign key of one leads to
 * the target. One that leads elsewhere may be the end of a chain over tables that are not looked at.
 */
function actionsReach(seen: readonly (Seen | undefined)[]): 'no' | 'perhaps' | 'yes' {
  const [target, ...others] = seen;
  if (target === undefined) return 'perhaps';
  let reach: 'no' | 'perhaps' = 'no';
  for (const one of others) {
    for (const { schema, name } of one?.created?.writtenBy ?? []) {
      const sameSchema = caseless(schema ?? one?.relation.schema) === caseless(target.relation.schema);
      if (sameSchema && caseless(name) === caseless(target.relation.name)) return 'yes';
      reach = 'perhaps';
    }
  }
  return reach;
}

/** Their case may not count, depending on the server. */
function caseless(name: string | undefined): string {
  return (name ?? '').toLowerCase();
}

/**
 * @param answers first row of each look-up's answer: the table's name and its text; undefined for an error
 * @param database the default database, '' if there is none
 * @returns undefined: not every table can be seen, or a text is not understood
 */
export function readMysqlFacts(
  question: FactsQuestion,
  answers: readonly ((string | null)[] | undefined)[],
  database: string,
): Facts | undefined {
  const seen = tablesOf(question).map((name, at) => readTable(name, answers[at], database));
  const [target, ...others] = seen;
  if (target === undefined || others.includes(undefined)) return undefined;
  const { relation, created } = target;
  const violated =
    question.constraint === undefined ? undefined : keyNamed(created, question.constraint.name);
  const alone = setsNothingOff(answers[tablesOf(question).length]);
  const reach = actionsReach(seen);
  const relations = seen.flatMap((one) => one?.relation ?? []);
  return {
    targetResolves: true, // the patterns compare it with the origin of the key's column
    identity: { schema: relation.schema, table: relation.name },
    shadowedFunctions: false, // built-in functions win
    chunksSafe: question.chunks === true && alone,
    actionsReachReads: reach === 'yes' || (reach === 'perhaps' && !alone),
    target: relation,
    attributes: attributesOf(created),
    primaryKey: created?.keys.find((key) => key.name === 'PRIMARY')?.columns.map(small) ?? [],
    uniqueColumns: created === undefined ? [] : uniqueColumns(created),
    mayLock: true, // told by an error, which costs nothing here
    relations: question.tables.flatMap((name) => relations[indexOf(question, name)] ?? []),
    unresolved: false,
    deferrable: [],
    ...(violated !== undefined && { violated }),
  };
}

function same(a: Name, b: Name): boolean {
  return a.name === b.name && a.schema === b.schema;
}

function tablesOf({ target, tables }: FactsQuestion): Name[] {
  const all: Name[] = [target];
  for (const name of tables) if (!all.some((one) => same(one, name))) all.push(name);
  return all;
}

function indexOf(question: FactsQuestion, name: Name): number {
  return tablesOf(question).findIndex((one) => same(one, name));
}

function quoted({ schema, name }: Name): string {
  const parts = schema === undefined ? [name] : [schema, name];
  return parts.map((part) => `\`${part.replaceAll('`', '``')}\``).join('.');
}

interface Seen {
  relation: RelationFacts;
  created: CreatedTable | undefined;
}

function readTable(written: Name, answer: (string | null)[] | undefined, database: string): Seen | undefined {
  const [name, text] = answer ?? [];
  const schema = written.schema ?? database;
  if (typeof name !== 'string' || typeof text !== 'string' || schema === '') return undefined;
  const created = readCreateTable(text);
  const view = /^CREATE (?!TEMPORARY |TABLE )[\s\S]*?\bVIEW /.test(text);
  if (created === undefined && !view) return undefined;
  const relation: RelationFacts = {
    schema,
    name,
    kind: created === undefined ? 'v' : kindOf(created),
    rowSecurity: false,
    inheritance: created?.partitioned ?? false,
    rules: false,
    temporary: created?.temporary ?? false,
  };
  return { relation, created };
}

/**
 * 'r' for what is rewritten. A temporary table is seen by one session only, so there is nobody to race with, and its
 * facts must not be taken for those of the table that it hides.
 */
function kindOf({ engine, partitioned, temporary, special }: CreatedTable): string {
  if (temporary) return 't';
  if (partitioned) return 'p';
  if (special) return 's';
  return engine.toLowerCase() === 'innodb' ? 'r' : 'e';
}

function small(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function attributesOf(created: CreatedTable | undefined): Facts['attributes'] {
  const attributes: Facts['attributes'] = {};
  created?.columns.forEach(({ name, type, generatesIds }, index) => {
    attributes[index + 1] = {
      name: small(name),
      type,
      hasDefault: generatesIds,
      inForeignKey: created.foreignKeyColumns.has(name.toLowerCase()),
    };
  });
  return attributes;
}

function uniqueColumns({ keys, columns }: CreatedTable): string[] {
  return keys.flatMap((key) => {
    const [name, more] = key.columns;
    if (name === undefined || more !== undefined || key.prefix || key.expression) return [];
    const column = columns.find((one) => one.name === name);
    return column?.notNull === true ? [small(name)] : [];
  });
}

function keyNamed(created: CreatedTable | undefined, name: string): KeyFacts | undefined {
  const key = created?.keys.find((one: TableKey) => one.name.toLowerCase() === name.toLowerCase());
  if (key === undefined) return undefined;
  return {
    columns: key.columns.map(small),
    primary: key.name === 'PRIMARY',
    partial: key.prefix,
    expression: key.expression,
    deferrable: false,
  };
}

/**
 * What a statement that succeeded means for facts that are kept. 'tables': they may be wrong. 'own': the session may have
 * a temporary table now, which hides another one of the same name from it alone, so that it may use nobody's facts.
 * Looks at the first words only, of texts that do not begin with SELECT, INSERT and the like.
 */
export function catalogChange(statement: Statement): 'tables' | 'own' | undefined {
  const { word, alone } = statement;
  if (word !== 'other' && word !== 'empty' && alone) return undefined;
  const { text } = statement;
  if (text.length === 0) return 'own'; // was not looked at
  if (word === 'empty' && alone) return undefined;
  const start = text.toString('latin1', 0, 4096);
  const change = /\b(?:temporary|call|execute)\b/i.test(start)
    ? 'own'
    : /\b(?:create|alter|drop|rename)\b/i.test(start)
      ? 'tables'
      : undefined;
  // A semicolon in a string makes no second statement.
  return change === undefined || word === 'other' || statement.shape.kind === 'other' ? change : undefined;
}

/** May this have chosen another default database? Statements prepared before it go on to mean the one of then. */
export function movesDatabase(statement: Statement): boolean {
  if (statement.word !== 'other' && statement.alone) return false;
  const start = statement.text.toString('latin1', 0, 4096);
  return /\b(?:use|execute)\b/i.test(start) && statement.shape.kind === 'other';
}
