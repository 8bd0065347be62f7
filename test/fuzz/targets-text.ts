/**
 * Statements: the lexer and the shape classifier in every dialect and every setting, and both grammars that stand witness,
 * on what the classifier takes for candidates and on texts that are made to blow a parser up.
 */
import { classify } from '../../src/sql/classify.ts';
import { lex } from '../../src/sql/lexer.ts';
import type { Dialect, LexerSettings } from '../../src/sql/shape.ts';
import { T, Tokens } from '../../src/sql/tokens.ts';
import { defaultWitnessLimits, mysqlWitnessLimits } from '../../src/sql/witness/limits.ts';
import { MysqlParser } from '../../src/sql/witness/mysql-parser.ts';
import { MysqlWitness } from '../../src/sql/witness/mysql.ts';
import { loadWitness } from '../../src/sql/witness/postgres.ts';
import type { Witness } from '../../src/sql/witness/types.ts';
import { harvested as fromMysql } from '../unit/sql/mysql/support.ts';
import { harvested as fromPostgres, written } from '../unit/sql/support.ts';
import { mutateBytes } from './mutate.ts';
import type { Random } from './random.ts';
import type { Target } from './targets.ts';

const longestBytes = 1500;
const statements = [...fromPostgres.map(({ sql }) => sql), ...fromMysql.map(({ sql }) => sql), ...written]
  .map((text) => Buffer.from(text, 'utf8'))
  .filter(({ length }) => length <= longestBytes);
const words = (
  'SELECT FROM WHERE AND OR NOT IN ( ) [ ] , . ; = = ANY SOME ALL ARRAY CAST AS :: int $1 ? \'x\' 1 -1 "Q" `q` a b t.id * ' +
  'DELETE INSERT INTO VALUES UPDATE SET JOIN LEFT RIGHT ON USING ONLY CASE WHEN END BETWEEN UNION ORDER BY LIMIT OFFSET ' +
  'FETCH FOR UPDATE WITH RETURNING GROUP HAVING OVER FILTER LATERAL ROWS TABLE BEGIN COMMIT ROLLBACK TO SAVEPOINT START ' +
  "AND CHAIN IS DISTINCT NULL DEFAULT /* */ /*! /*M! /*+ -- # ' \" $$ $a$ \\ E' U&' N' X' 0x1f @v @@s := <=> interlock:off " +
  'STRAIGHT_JOIN FORCE INDEX IGNORE DIV XOR INTERVAL COLLATE _utf8mb4 TRANSACTION ISOLATION LEVEL READ COMMITTED autocommit'
).split(' ');
const soup = (random: Random, most: number): Buffer =>
  Buffer.from(Array.from({ length: random.few(most) }, () => random.pick(words)).join(' '), 'utf8');

function anyText(random: Random): Buffer {
  const one = random.pick(statements);
  switch (random.below(5)) {
    case 0:
      return soup(random, 40);
    case 1: {
      const at = random.below(one.length);
      return Buffer.concat([one.subarray(0, at), Buffer.from(` ${random.pick(words)} `), one.subarray(at)]);
    }
    case 2: {
      const other = random.pick(statements);
      return Buffer.concat([
        one.subarray(0, random.below(one.length)),
        other.subarray(random.below(other.length)),
      ]);
    }
    case 3:
      return random.bytes(random.few(200));
    default:
      return mutateBytes(random, one, random.pick(statements));
  }
}

const dialects = ['postgres', 'mysql', 'mariadb'] as const satisfies Dialect[];
const anySettings = (random: Random, dialect: Dialect): LexerSettings => ({
  dialect,
  standardConformingStrings: random.chance(2),
  ansiQuotes: random.chance(2),
  noBackslashEscapes: random.chance(2),
});

interface Statement {
  text: Buffer;
  settings: LexerSettings;
}

function checkSpans(value: unknown, length: number): void {
  if (typeof value !== 'object' || value === null) return;
  const { start, end } = value as { start?: unknown; end?: unknown };
  if (typeof start === 'number' && typeof end === 'number' && (start < 0 || end < start || end > length))
    throw new Error(`span ${start}…${end} of a text of ${length}`);
  for (const inner of Object.values(value)) checkSpans(inner, length);
}

const tokens = new Tokens(64);

function runText({ text, settings }: Statement): string {
  lex(text, settings, tokens);
  let at = 0;
  for (let index = 0; index < tokens.count; index += 1) {
    const start = tokens.start[index] ?? -1;
    if (start < at) throw new Error('tokens overlap');
    at = tokens.end[index] ?? 0;
    if (at <= start) throw new Error('an empty token');
  }
  if (at > text.length) throw new Error('a token behind the end');
  if (tokens.kind[tokens.count] !== T.End) throw new Error('no end');
  const { shape, head } = classify(text, settings);
  if (!/^[0-9a-f]{16}$/.test(head.fingerprint)) throw new Error(`fingerprint ${head.fingerprint}`);
  checkSpans(shape, text.length);
  return shape.kind === 'other' ? 'other' : 'a shape';
}

/** Nothing is kept: the second time costs what the first did. */
const forgetful = { ...mysqlWitnessLimits, maxCacheCharacters: 0 };
const witnesses: Record<Dialect, Witness> = {
  postgres: await loadWitness({ ...defaultWitnessLimits, maxCacheCharacters: 0 }),
  mysql: new MysqlWitness(new MysqlParser('mysql'), forgetful),
  mariadb: new MysqlWitness(new MysqlParser('mariadb'), forgetful),
};

/** A short fragment again and again: nesting, chains of operators, joins. 68 bytes were enough for a known parser. */
const fragments = (
  '( ) [ ] NOT - + ~ ! 1+ a. t.id= a,( (SELECT (SELECT 1)+ 1 IN ( CASE WHEN 1 THEN CASE a IN (1) AND a OR (a AND EXISTS( f( f(1, ' +
  'a||b|| a::int:: ARRAY[ ROW( t JOIN t ON (t JOIN LEFT JOIN LATERAL( a BETWEEN b AND \'x\' "q" `q` INTERVAL 1 DAY+ ' +
  'UNION SELECT 1 WITH a AS ( IS NOT NULL COLLATE x AT TIME ZONE -- /* /*! @a:= BINARY _utf8 CAST( , ; . * = < >'
).split(' ');
const openings = [
  'SELECT ',
  'SELECT id FROM t WHERE ',
  'DELETE FROM t WHERE id IN (',
  'SELECT id FROM (',
  'INSERT INTO t (id) VALUES (',
  '',
];
const endings = ['', ')', '1', ' FROM t', ' id IN (1, 2)', ') a'];

function bomb(random: Random): Buffer {
  const middle = Array.from({ length: random.few(3) }, () => random.pick(fragments)).join(
    ' '.repeat(random.below(2)),
  );
  const times = random.chance(4) ? random.few(400) : random.few(40);
  return Buffer.from(
    random.pick(openings) +
      middle.repeat(times) +
      '1)'.repeat(random.chance(2) ? times : 0) +
      random.pick(endings),
  );
}

/** As the patterns do it: the classifier first, the witness where there is a shape to agree with. */
function witnessTarget(dialect: Dialect, share: number): Target<Statement & { other: Buffer }> {
  const witness = witnesses[dialect];
  const own = (dialect === 'postgres' ? fromPostgres : fromMysql)
    .map(({ sql }) => Buffer.from(sql, 'utf8'))
    .filter(({ length }) => length <= longestBytes);
  return {
    name: `${dialect} witness`,
    share,
    make: (random) => {
      const one = random.pick(own);
      const text = random.chance(2) ? bomb(random) : mutateBytes(random, one, random.pick(own));
      return { text, other: random.pick(own), settings: anySettings(random, dialect) };
    },
    run: ({ text, other, settings }) => {
      const { shape } = classify(text, settings);
      if (shape.kind === 'other') return 'no candidate';
      if (shape.kind === 'select') witness.provesLockingRead(text, other, undefined, settings);
      if (shape.kind === 'delete') witness.provesDelete(other, text, text, undefined, settings);
      return witness.agrees(text, shape, settings) ? 'agrees' : 'refuses';
    },
  };
}

export const textTargets: readonly Target[] = [
  ...dialects.map((dialect): Target<Statement> => ({
    name: `${dialect} lexer and classifier`,
    share: 60,
    make: (random) => ({
      text: random.chance(8) ? bomb(random) : anyText(random),
      settings: anySettings(random, dialect),
    }),
    run: runText,
  })),
  witnessTarget('postgres', 20),
  witnessTarget('mysql', 10),
  witnessTarget('mariadb', 10),
];
