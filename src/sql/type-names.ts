/**
 * Type names behind `::` and in CAST, brought to one spelling. Step 4 of the flow (text -> shape).
 *
 * A length or precision stays in the name (`varchar(3)`), because it changes the value: a caller that does not know the
 * name does not know the value.
 */
import { endOfName, nameOf } from './names.ts';
import { T } from './tokens.ts';
import type { Tokens } from './tokens.ts';

const canonical: Record<string, string> = {
  int: 'int4',
  integer: 'int4',
  bigint: 'int8',
  smallint: 'int2',
  'character varying': 'varchar',
  'char varying': 'varchar',
  character: 'bpchar',
  char: 'bpchar',
  decimal: 'numeric',
  dec: 'numeric',
  real: 'float4',
  float: 'float8',
  'double precision': 'float8',
  boolean: 'bool',
  'bit varying': 'varbit',
  'timestamp with time zone': 'timestamptz',
  'timestamp without time zone': 'timestamp',
  'time with time zone': 'timetz',
  'time without time zone': 'time',
};

const firstOfTwo = new Set(['character', 'char', 'double', 'bit', 'national']);

export interface TypeName {
  name: string;
  /** Index behind the type's last token. */
  end: number;
}

/** The type that begins at token i. */
export function typeName(tokens: Tokens, i: number): TypeName | undefined {
  const afterName = endOfTypeWords(tokens, i);
  if (afterName === i) return undefined;
  let end = afterName;
  let name = wordsOf(tokens, i, afterName);
  let length = '';
  if (tokens.kind[end] === T.Open) {
    const close = tokens.partner[end] as number;
    length = tokens.text.toString('latin1', tokens.start[end], tokens.end[close]);
    end = close + 1;
  }
  const zone = zoneWords(tokens, end);
  if (zone !== '') {
    name += zone;
    end += 3;
  }
  const quoted = afterName - i === 1 && tokens.kind[i] === T.Quoted;
  name = quoted ? name : (canonical[name] ?? name);
  let array = '';
  while (tokens.kind[end] === T.OpenBracket) {
    array = '[]';
    end = (tokens.partner[end] as number) + 1;
  }
  return { name: name + length + array, end };
}

function endOfTypeWords(tokens: Tokens, i: number): number {
  const end = endOfName(tokens, i);
  if (end !== i + 1 || tokens.kind[i] !== T.Word) return end;
  if (!firstOfTwo.has(nameOf(tokens, i)) || tokens.kind[end] !== T.Word) return end;
  const second = nameOf(tokens, end);
  return second === 'varying' || second === 'precision' ? end + 1 : end;
}

function wordsOf(tokens: Tokens, i: number, end: number): string {
  if (end - i === 3 && tokens.kind[i + 1] === T.Dot) {
    const schema = nameOf(tokens, i);
    const name = nameOf(tokens, i + 2);
    return schema === 'pg_catalog' ? name : `${schema}.${name}`;
  }
  const parts: string[] = [];
  for (let at = i; at < end; at++) if (tokens.kind[at] !== T.Dot) parts.push(nameOf(tokens, at));
  return parts.join(tokens.kind[i + 1] === T.Dot ? '.' : ' ');
}

function zoneWords(tokens: Tokens, i: number): string {
  if (tokens.kind[i] !== T.Word || tokens.kind[i + 1] !== T.Word || tokens.kind[i + 2] !== T.Word) return '';
  const words = [0, 1, 2].map((offset) => tokens.raw(i + offset).toLowerCase()).join(' ');
  return words === 'with time zone' || words === 'without time zone' ? ` ${words}` : '';
}
