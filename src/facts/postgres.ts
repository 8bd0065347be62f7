/**
 * The catalog question as SQL for PostgreSQL 12 to 18: one statement, one row, one text column of JSON. The session
 * runs it in the app's own session as a step of a plan.
 *
 * Invariants: it takes no lock beyond AccessShare on the system catalogs, calls nothing volatile, and means the same
 * under every search_path: functions, types and tables carry `pg_catalog.`, and so does every operator, because a
 * search_path that lists pg_catalog last lets the app's own `=` win. No IN, CASE … WHEN value, NULLIF, BETWEEN or LIKE:
 * those look an operator up by its bare name. The only thing that search_path decides is what it has to decide: which
 * table a name of the app's statement means (to_regclass).
 *
 * Manual: System Catalogs (pg_class, pg_attribute, pg_index, pg_constraint, pg_proc); SET CONSTRAINTS.
 */
export { readFacts } from './answer.ts';
import type { Name } from '../sql/shape.ts';
import type { FactsQuestion } from './types.ts';

const eq = 'OPERATOR(pg_catalog.=)';
const ne = 'OPERATOR(pg_catalog.<>)';
const gt = 'OPERATOR(pg_catalog.>)';

export function factsQuery(question: FactsQuestion): string {
  const byName = `pg_catalog.to_regclass(${literal(quoted(question.target))})::pg_catalog.oid`;
  const target = question.targetId === undefined ? byName : `${question.targetId >>> 0}::pg_catalog.oid`;
  return `${tables(target, question.tables)}
SELECT pg_catalog.json_build_object(
  'targetResolves', ${resolves(byName, question)},
  'identity', (SELECT pg_catalog.json_build_object('schema', ${utf8('t.schema')}, 'table', ${utf8('t.name')}) FROM target t),
  'shadowedFunctions', ${shadowed(question.functions)} OR ${unseen},
  'chunksSafe', ${chunksSafe},
  'target', (SELECT ${relation('t')} FROM target t),
  'attributes', ${attributes},
  'primaryKey', ${list(`SELECT a.attname AS item, u.place FROM target t JOIN pg_catalog.pg_index i
    ON i.indrelid ${eq} t.oid AND i.indisprimary CROSS JOIN LATERAL ${keyColumns}`)},
  'uniqueColumns', ${list(uniqueColumns)},
  'mayLock', (SELECT pg_catalog.has_any_column_privilege(t.oid, 'UPDATE') FROM target t),
  'relations', (SELECT pg_catalog.json_agg(${relation('r')}) FROM relations r WHERE r.oid IS NOT NULL),
  'unresolved', EXISTS (SELECT FROM relations r WHERE r.oid IS NULL),
  'deferrable', ${deferrable},
  'violated', ${question.constraint === undefined ? 'NULL' : violated(question.constraint)}
)::pg_catalog.text`;
}

/** Any bytes -> a string constant that reads the same with standard_conforming_strings on and off. */
function literal(text: string): string {
  const doubled = text.replaceAll("'", "''");
  return text.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}

function literals(texts: readonly string[]): string {
  return `ARRAY[${texts.map(literal).join(', ')}]::pg_catalog.text[]`;
}

function quoted(name: Name): string {
  const parts = name.schema === undefined ? [name.name] : [name.schema, name.name];
  return parts.map((part) => `"${part.replaceAll('"', '""')}"`).join('.');
}

/** Foreign keys that write their own table when a row of the closure goes or changes. */
const actions = `JOIN pg_catalog.pg_constraint f ON f.confrelid ${eq} closure.oid
  AND f.contype ${eq} 'f' AND (f.confdeltype ${eq} ANY ('{c,n,d}') OR f.confupdtype ${eq} ANY ('{c,n,d}'))`;

/** target: at most one row. relations: one row a name, with NULLs where it means nothing. closure, written: OIDs. */
function tables(target: string, names: readonly Name[]): string {
  const columns = `c.oid, n.nspname AS schema, c.relname AS name, c.relkind, c.relrowsecurity, c.relispartition, c.relpersistence, c.reltype`;
  const from = `pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid ${eq} c.relnamespace`;
  return `WITH RECURSIVE target AS (SELECT ${columns} FROM ${from} WHERE c.oid ${eq} ${target}),
relations AS (SELECT ${columns} FROM pg_catalog.unnest(${literals(names.map(quoted))}) AS u(written)
  LEFT JOIN (${from}) ON c.oid ${eq} pg_catalog.to_regclass(u.written)::pg_catalog.oid),
closure AS (SELECT t.oid FROM target t UNION SELECT f.conrelid FROM closure ${actions}),
written AS (SELECT f.conrelid AS oid FROM closure ${actions})`;
}

/** Does the name in the statement mean the table that the result's metadata, or the error, named? */
function resolves(byName: string, { targetId, constraint }: FactsQuestion): string {
  if (targetId !== undefined) return `EXISTS (SELECT FROM target t WHERE t.oid ${eq} ${byName})`;
  if (constraint === undefined) return 'EXISTS (SELECT FROM target)';
  return `EXISTS (SELECT FROM target t WHERE t.schema ${eq} ${literal(constraint.schema)}::pg_catalog.name
    AND t.name ${eq} ${literal(constraint.table)}::pg_catalog.name)`;
}

/** Bytes that do not depend on client_encoding, in hex. */
function utf8(expression: string): string {
  return `pg_catalog.encode(pg_catalog.convert_to(${expression}::pg_catalog.text, 'UTF8'), 'hex')`;
}

/** Names that memory/functions.ts knows, but that the app gave to a volatile function of its own. */
function shadowed(functions: readonly string[]): string {
  const names = functions.map((name) => name.replace(/^pg_catalog\./, ''));
  return `EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.proname ${eq} ANY (${literals(names)}::pg_catalog.name[])
    AND p.provolatile ${eq} 'v' AND p.pronamespace ${ne} 'pg_catalog'::pg_catalog.regnamespace
    AND pg_catalog.pg_function_is_visible(p.oid))`;
}

/** Volatile code of the app's own that runs without a function's name in the statement. */
const unseen = `EXISTS (SELECT FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_proc p ON p.oid ${eq} o.oprcode
    WHERE p.provolatile ${eq} 'v' AND o.oprnamespace ${ne} 'pg_catalog'::pg_catalog.regnamespace
    AND pg_catalog.pg_operator_is_visible(o.oid))
  OR EXISTS (SELECT FROM pg_catalog.pg_cast k JOIN pg_catalog.pg_proc p ON p.oid ${eq} k.castfunc
    WHERE p.provolatile ${eq} 'v' AND k.castcontext ${ne} 'e'
    AND p.pronamespace ${ne} 'pg_catalog'::pg_catalog.regnamespace)
  OR EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN relations r ON p.proargtypes[0] ${eq} r.reltype
    WHERE p.pronargs ${eq} 1 AND p.provolatile ${eq} 'v' AND pg_catalog.pg_function_is_visible(p.oid))`;

const chunksSafe = `NOT EXISTS (SELECT FROM pg_catalog.pg_trigger g JOIN closure ON g.tgrelid ${eq} closure.oid
    WHERE NOT g.tgisinternal)
  AND NOT EXISTS (SELECT FROM written w JOIN relations r ON r.oid ${eq} w.oid)`;

function relation(r: string): string {
  return `pg_catalog.json_build_object('schema', ${r}.schema, 'name', ${r}.name, 'kind', ${r}.relkind,
    'rowSecurity', ${r}.relrowsecurity, 'temporary', ${r}.relpersistence ${eq} 't',
    'inheritance', ${r}.relispartition OR EXISTS (SELECT FROM pg_catalog.pg_inherits h
      WHERE h.inhrelid ${eq} ${r}.oid OR h.inhparent ${eq} ${r}.oid),
    'rules', EXISTS (SELECT FROM pg_catalog.pg_rewrite w WHERE w.ev_class ${eq} ${r}.oid))`;
}

/** A query with columns item and place -> JSON array of the items. */
function list(query: string): string {
  return `(SELECT pg_catalog.json_agg(q.item ORDER BY q.place) FROM (${query}) q)`;
}

/** Columns of index i of table t, in order; INCLUDE columns are not part of the key. */
const keyColumns = `pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS u(attnum, place)
  JOIN pg_catalog.pg_attribute a ON a.attrelid ${eq} t.oid AND a.attnum ${eq} u.attnum
  AND NOT u.place ${gt} i.indnkeyatts`;

const attributes = `(SELECT pg_catalog.json_object_agg(a.attnum, pg_catalog.json_build_object('name', a.attname,
    'type', a.atttypid::pg_catalog.int8, 'hasDefault', (a.atthasdef AND a.attgenerated ${eq} '') OR a.attidentity ${ne} '',
    'inForeignKey', EXISTS (SELECT FROM pg_catalog.pg_constraint f WHERE f.conrelid ${eq} t.oid AND f.contype ${eq} 'f'
      AND a.attnum ${eq} ANY (f.conkey))))
  FROM target t JOIN pg_catalog.pg_attribute a ON a.attrelid ${eq} t.oid AND a.attnum ${gt} 0 AND NOT a.attisdropped)`;

/** Of one column, immediate, valid, total, and not null for rows of any age (18: NOT NULL can be NOT VALID). */
const uniqueColumns = `SELECT a.attname AS item, a.attnum AS place FROM target t
  JOIN pg_catalog.pg_index i ON i.indrelid ${eq} t.oid AND i.indisunique AND i.indimmediate AND i.indisvalid
    AND i.indisready AND i.indislive AND i.indnkeyatts ${eq} 1 AND i.indpred IS NULL AND i.indexprs IS NULL
  JOIN pg_catalog.pg_attribute a ON a.attrelid ${eq} t.oid AND a.attnum ${eq} i.indkey[0] AND a.attnotnull
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint v WHERE v.conrelid ${eq} t.oid AND v.contype ${eq} 'n'
    AND NOT v.convalidated AND a.attnum ${eq} ANY (v.conkey))`;

/** Deferrable constraints that look at a table of the closure, from either side; constraint triggers have contype t. */
const deferrable = `(SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
    'name', pg_catalog.format('%I.%I', n.nspname, d.conname), 'initiallyDeferred', d.condeferred,
    'trigger', d.contype ${eq} 't',
    'unique', NOT EXISTS (SELECT FROM pg_catalog.pg_constraint o WHERE o.connamespace ${eq} d.connamespace
      AND o.conname ${eq} d.conname AND o.oid ${ne} d.oid)))
  FROM pg_catalog.pg_constraint d JOIN pg_catalog.pg_namespace n ON n.oid ${eq} d.connamespace
  WHERE d.condeferrable AND (d.conrelid ${eq} ANY (ARRAY(SELECT oid FROM closure))
    OR d.confrelid ${eq} ANY (ARRAY(SELECT oid FROM closure))))`;

/** The error names a constraint or a plain unique index; an index of that name exists in both cases. */
function violated(constraint: { schema: string; name: string }): string {
  return `(SELECT pg_catalog.json_build_object('columns', ${list(`SELECT a.attname AS item, u.place
    FROM ${keyColumns}`)},
    'primary', i.indisprimary, 'partial', i.indpred IS NOT NULL, 'expression', i.indexprs IS NOT NULL,
    'deferrable', NOT i.indimmediate)
  FROM target t JOIN pg_catalog.pg_index i ON i.indrelid ${eq} t.oid AND i.indisunique
  JOIN pg_catalog.pg_class x ON x.oid ${eq} i.indexrelid AND x.relname ${eq} ${literal(constraint.name)}::pg_catalog.name
  JOIN pg_catalog.pg_namespace n ON n.oid ${eq} x.relnamespace
    AND n.nspname ${eq} ${literal(constraint.schema)}::pg_catalog.name)`;
}
