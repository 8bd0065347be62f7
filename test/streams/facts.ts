/**
 * Answers the catalog question (src/facts/postgres.ts) from the fake server's catalog, as the real one does: one row, one
 * JSON text. Which tables and which key are asked for is read from the question's text.
 */
import type { Catalog, CatalogTable } from './catalog.ts';
import { value, type PlanRule } from './script.ts';

export interface FactsAnswers {
  targetResolves: boolean;
  shadowedFunctions: boolean;
  chunksSafe: boolean;
  /** Names of deferrable constraints are not unique in their schema. */
  ambiguousConstraints: boolean;
  /** error: the look-up fails. nonsense: it answers something else than Facts. */
  kind: 'answer' | 'error' | 'nonsense';
}

export const plainFacts: FactsAnswers = {
  targetResolves: true,
  shadowedFunctions: false,
  chunksSafe: true,
  ambiguousConstraints: false,
  kind: 'answer',
};

export function factsRule(catalog: Catalog, answers: FactsAnswers = plainFacts): PlanRule {
  return ({ sql }) => {
    if (!sql.includes("'targetResolves'")) return undefined;
    if (answers.kind === 'error')
      return [{ kind: 'error', error: { code: '42501', message: 'permission denied' } }];
    const text =
      answers.kind === 'nonsense' ? '{"answer": 42}' : JSON.stringify(facts(sql, catalog, answers));
    return [value('facts', 25, text)];
  };
}

const equals = String.raw`OPERATOR\(pg_catalog\.=\)`;
const quoted = /"((?:[^"]|"")*)"(?:\."((?:[^"]|"")*)")?/;

function facts(sql: string, catalog: Catalog, answers: FactsAnswers): unknown {
  const target = targetOf(sql, catalog);
  const asked = /unnest\(ARRAY\[(.*?)\]::pg_catalog\.text\[\]\)/s.exec(sql)?.[1] ?? '';
  const relations = [...asked.matchAll(/'((?:[^']|'')*)'/g)].map((name) => named(name[1] ?? '', catalog));
  if (target === undefined) return { targetResolves: false };
  const constraint = new RegExp(`x\\.relname ${equals} '((?:[^']|'')*)'`).exec(sql)?.[1];
  const hex = (name: string): string => Buffer.from(name, 'utf8').toString('hex');
  const keys = Object.entries(target.unique).filter(([name]) => target.text.keys?.[name] === undefined);
  return {
    targetResolves: answers.targetResolves,
    identity: { database: hex('orms'), schema: hex(target.schema), table: hex(target.name) },
    shadowedFunctions: answers.shadowedFunctions,
    chunksSafe: answers.chunksSafe,
    target: relation(target),
    attributes: Object.fromEntries(
      target.columns.map(({ attribute, name, type, hasDefault, foreignKey }) => [
        attribute,
        { name, type, hasDefault, inForeignKey: foreignKey },
      ]),
    ),
    primaryKey: target.primaryKey,
    uniqueColumns: [target.primaryKey, ...keys.map(([, columns]) => columns)]
      .filter((columns) => columns.length === 1)
      .map(([column]) => column)
      .filter((name) => target.columns.some((column) => column.name === name && column.notNull)),
    mayLock: target.text.flags?.includes('no-lock') !== true,
    relations: relations.filter((table) => table !== undefined).map(relation),
    unresolved: relations.includes(undefined),
    deferrable: (target.text.deferrable ?? []).map((name) => ({
      name: `"${target.schema}"."${name}"`,
      initiallyDeferred: true,
      unique: !answers.ambiguousConstraints,
      trigger: false,
    })),
    violated: constraint === undefined ? null : violated(target, constraint),
  };
}

function targetOf(sql: string, catalog: Catalog): CatalogTable | undefined {
  const oid = new RegExp(`WHERE c\\.oid ${equals} (\\d+)::`).exec(sql)?.[1];
  if (oid !== undefined) return catalog.byOid(Number(oid));
  const name = new RegExp(`WHERE c\\.oid ${equals} pg_catalog\\.to_regclass\\('((?:[^']|'')*)'\\)`).exec(
    sql,
  )?.[1];
  return named(name ?? '', catalog);
}

function named(text: string, catalog: Catalog): CatalogTable | undefined {
  const [, first = '', second] = quoted.exec(text.replaceAll("''", "'")) ?? [];
  return catalog.find(second === undefined ? first : `${first}.${second}`);
}

function relation({ schema, name, text }: CatalogTable): unknown {
  return {
    schema,
    name,
    kind: text.kind ?? 'r',
    rowSecurity: text.flags?.includes('row-security') === true,
    inheritance: text.flags?.includes('inheritance') === true,
    rules: text.flags?.includes('rules') === true,
    temporary: text.flags?.includes('temporary') === true,
  };
}

function violated(table: CatalogTable, constraint: string): unknown {
  const columns = constraint === `${table.name}_pkey` ? table.primaryKey : table.unique[constraint];
  if (columns === undefined) return null;
  const flags = table.text.keys?.[constraint] ?? [];
  return {
    columns: flags.includes('expression') ? [] : columns,
    primary: columns === table.primaryKey,
    partial: flags.includes('partial'),
    expression: flags.includes('expression'),
    deferrable: flags.includes('deferrable'),
  };
}
