/**
 * DELETE on MySQL and MariaDB: modifiers, and the multiple-table forms (manual 15.2.2). Step 4 of the flow (text ->
 * shape). A DELETE that writes more than one table is not understood: a shape has one target.
 */
import { fromClause } from './from.ts';
import { keywordId } from './keywords.ts';
import { endOfName, tableName } from './names.ts';
import type { DeleteShape, Name, TableRef } from './shape.ts';
import { survey } from './survey.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';

const k = {
  lowPriority: keywordId('low_priority'),
  quick: keywordId('quick'),
  ignore: keywordId('ignore'),
  from: keywordId('from'),
  using: keywordId('using'),
  where: keywordId('where'),
  order: keywordId('order'),
  limit: keywordId('limit'),
};

/** Index behind LOW_PRIORITY, QUICK and IGNORE. */
export function afterDeleteModifiers(tokens: Tokens, from: number): number {
  let i = from;
  while (tokens.is(i, k.lowPriority) || tokens.is(i, k.quick) || tokens.is(i, k.ignore)) i++;
  return i;
}

/**
 * `DELETE t[.*] FROM …` and `DELETE FROM t[.*] USING …`: the statement is the tokens [first, end), `from` the index
 * behind its modifiers. Undefined when it is neither, or has more than one target.
 */
export function multipleTableDelete(
  tokens: Tokens,
  first: number,
  from: number,
  end: number,
): DeleteShape | undefined {
  const behind = tokens.is(from, k.from);
  const target = targetName(tokens, behind ? from + 1 : from);
  if (target === undefined || !tokens.is(target.end, behind ? k.using : k.from)) return undefined;
  const references = target.end + 1;
  const seen = survey(tokens, references, end, true);
  if (seen.unknown || seen.modifying) return undefined;
  const { tables } = fromClause(tokens, references, endOfReferences(tokens, references, end));
  const table = named(tables, target.name);
  if (table === undefined) return undefined;
  return {
    kind: 'delete',
    table,
    listWithOthers: false,
    compositeList: false,
    returning: false,
    other: true,
    tablesRead: seen.tables,
    body: tokens.span(first, end - 1),
  };
}

function targetName(tokens: Tokens, i: number): { name: Name; end: number } | undefined {
  let end = endOfName(tokens, i);
  const name = end > i ? tableName(tokens, i, end) : undefined;
  if (name === undefined) return undefined;
  if (tokens.kind[end] === T.Dot && tokens.kind[end + 1] === T.Star) end += 2;
  return { name, end };
}

function endOfReferences(tokens: Tokens, from: number, end: number): number {
  for (let i = from; i < end; i++) {
    if (tokens.kind[i] === T.Open) i = tokens.partner[i] as number;
    else if (tokens.is(i, k.where) || tokens.is(i, k.order) || tokens.is(i, k.limit)) return i;
  }
  return end;
}

/** The one table reference that the target names: by its alias, or by its own name with its schema. */
function named(tables: readonly TableRef[], target: Name): TableRef | undefined {
  const found = tables.filter((table) =>
    target.schema === undefined
      ? table.alias === target.name
      : table.name.name === target.name && table.name.schema === target.schema,
  );
  return found.length === 1 ? found[0] : undefined;
}
