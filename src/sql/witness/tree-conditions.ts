/** Conditions out of a tree: conjuncts, constants, equalities, key lists. Serves the witness, step 7 of the flow. */
import { columnClaim } from './claims.ts';
import type { Node } from './parser.ts';
import { as, list, strings, text } from './tree.ts';

/** AND arguments at every level, without `1=1` and TRUE. */
export function conjunctsOf(where: unknown): unknown[] {
  const and = as(where, 'BoolExpr');
  if (and?.['boolop'] === 'AND_EXPR') return list(and['args']).flatMap(conjunctsOf);
  return isAlwaysTrue(where) ? [] : [where];
}

function isAlwaysTrue(node: unknown): boolean {
  const constant = as(node, 'A_Const');
  if (constant !== undefined) return as(constant, 'boolval')?.['boolval'] === true;
  const comparison = equals(node, 'AEXPR_OP');
  if (comparison === undefined) return false;
  const left = integer(comparison['lexpr']);
  return left !== undefined && left === integer(comparison['rexpr']);
}

function integer(node: unknown): number | undefined {
  const constant = as(node, 'A_Const');
  const value = constant === undefined ? undefined : as(constant, 'ival');
  return value === undefined ? undefined : Number(value['ival'] ?? 0);
}

/** The fields of an A_Expr of this kind whose operator is a plain `=`. */
export function equals(node: unknown, kind: string): Node | undefined {
  const expression = as(node, 'A_Expr');
  if (expression?.['kind'] !== kind) return undefined;
  const name = strings(expression['name']);
  return name.length === 1 && name[0] === '=' ? expression : undefined;
}

/** Claim of a plain column reference. */
export function columnOf(node: unknown): string | undefined {
  const fields = list(as(node, 'ColumnRef')?.['fields']);
  const names = fields
    .map((field) => as(field, 'String'))
    .map((field) => (field === undefined ? undefined : text(field['sval'])));
  if (names.length === 0 || names.length > 3 || names.includes(undefined)) return undefined;
  const column = names.at(-1) ?? '';
  const qualifier = names.at(-2);
  const schema = names.at(-3);
  return columnClaim({
    column,
    ...(qualifier === undefined ? {} : { qualifier }),
    ...(schema === undefined ? {} : { schema }),
  });
}

/** Kind and cast of a constant, as valueClaim writes them; undefined for any other expression. */
export function constantClaim(node: unknown): string | undefined {
  const cast = as(node, 'TypeCast');
  if (cast === undefined) return bareClaim(node);
  // DATE '…' has no position of its own
  if (cast['location'] === -1) return undefined;
  const bare = bareClaim(cast['arg']);
  if (bare === 'null') return bare;
  if (bare === undefined || bare === 'boolean' || bare === 'default') return undefined;
  return `${bare}::${typeClaim(cast['typeName'])}`;
}

function bareClaim(node: unknown): string | undefined {
  const parameter = as(node, 'ParamRef');
  if (parameter !== undefined) return `$${Number(parameter['number'] ?? 0)}`;
  if (as(node, 'SetToDefault') !== undefined) return 'default';
  const constant = as(node, 'A_Const');
  if (constant === undefined) return undefined;
  if (constant['isnull'] === true) return 'null';
  if ('sval' in constant) return 'string';
  if ('ival' in constant || 'fval' in constant) return 'number';
  return 'boolval' in constant ? 'boolean' : undefined;
}

function typeClaim(value: unknown): string {
  const fields = value as Node;
  const names = strings(fields['names']);
  const name = (names[0] === 'pg_catalog' ? names.slice(1) : names).join('.');
  return `${name}${'typmods' in fields ? '()' : ''}${'arrayBounds' in fields ? '[]' : ''}`;
}

/** `[column, value]` of `column = constant`, either way round. */
export function equalityClaim(node: unknown): [string, string] | undefined {
  const expression = equals(node, 'AEXPR_OP');
  if (expression === undefined) return undefined;
  return sides(expression['lexpr'], expression['rexpr']) ?? sides(expression['rexpr'], expression['lexpr']);
}

function sides(columnNode: unknown, valueNode: unknown): [string, string] | undefined {
  const column = columnOf(columnNode);
  const value = constantClaim(valueNode);
  return column === undefined || value === undefined || value === 'default' ? undefined : [column, value];
}

/** A key list, as listClaim writes it. */
export function keyListClaim(node: unknown): unknown[] | undefined {
  const inList = equals(node, 'AEXPR_IN');
  if (inList !== undefined) {
    const column = columnOf(inList['lexpr']);
    const items = list(as(inList['rexpr'], 'List')?.['items']);
    return column === undefined || items.length === 0
      ? undefined
      : ['in', column, false, constantClaim(items[0]) ?? 'other'];
  }
  const any = equals(node, 'AEXPR_OP_ANY');
  if (any !== undefined) return anyClaim(columnOf(any['lexpr']), any['rexpr']);
  const or = as(node, 'BoolExpr');
  return or?.['boolop'] === 'OR_EXPR' ? orClaim(list(or['args'])) : undefined;
}

function anyClaim(column: string | undefined, array: unknown): unknown[] | undefined {
  if (column === undefined) return undefined;
  const cast = as(array, 'TypeCast');
  const elements = as(cast === undefined ? array : cast['arg'], 'A_ArrayExpr');
  if (elements === undefined) {
    const whole = constantClaim(array);
    const fits = whole !== undefined && (whole.startsWith('$') || whole.startsWith('string'));
    return fits ? ['any', column, true, whole] : undefined;
  }
  const [first] = list(elements['elements']);
  if (first === undefined) return ['any', column, false, ''];
  const value = constantClaim(first) ?? 'other';
  if (cast === undefined) return ['any', column, false, value];
  const type = typeClaim(cast['typeName']);
  if (!type.endsWith('[]')) return undefined;
  return ['any', column, false, castElement(value, type.slice(0, -2))];
}

/** The array's cast is its elements' cast. */
function castElement(value: string, type: string): string {
  if (!/^(?:\$|string|number)/.test(value)) return value;
  const at = value.indexOf('::');
  if (at < 0) return `${value}::${type}`;
  return value.slice(at + 2) === type ? value : 'other';
}

function orClaim(parts: unknown[]): unknown[] | undefined {
  const claims = parts.map(equalityClaim);
  const [first] = claims;
  if (first === undefined || !claims.every((claim) => claim?.[0] === first[0])) return undefined;
  return ['or', first[0], false, first[1]];
}
