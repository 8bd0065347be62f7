/**
 * Runs the examples of rules: each is played through the same memory, detection, plans and grammar as a session of the
 * proxy. A rule whose example does not come out as written is a mistake in the config.
 */
import { setImmediate } from 'node:timers/promises';
import { AssumedCatalog } from '../explain/assumed.ts';
import { plainLexer } from '../explain/dialect.ts';
import { Playback, type Verdict } from '../explain/playback.ts';
import { UnreadableInput } from '../explain/said.ts';
import { readStatement } from '../explain/sql-file.ts';
import type { Rule } from '../patterns/rule.ts';
import type { SessionRules } from '../session/types.ts';
import type { Dialect, Name } from '../sql/shape.ts';
import { loadWitnesses } from '../sql/witness/load.ts';
import type { Witness } from '../sql/witness/types.ts';
import { ConfigError, type Problem } from './problem.ts';
import { ruleSet } from './rule-set.ts';
import type { ExampleEntry } from './schema.ts';
import type { ProtocolName } from './address.ts';

export interface RuleExample {
  rule: Rule;
  example: ExampleEntry;
  where: string;
}

/**
 * @param protocols whose grammars are loaded anyway; examples in other dialects are not run. Default: all
 * @throws ConfigError
 */
export async function checkExamples(
  examples: readonly RuleExample[],
  protocols: readonly ProtocolName[] = ['postgres', 'mysql'],
): Promise<void> {
  const mine = examples.filter(({ example }) => protocols.includes(protocolOf(example.dialect)));
  if (mine.length === 0) return;
  const used = protocols.filter((one) => mine.some(({ example }) => protocolOf(example.dialect) === one));
  const witness = await loadWitnesses(used);
  const problems: Problem[] = [];
  for (const one of mine) {
    problems.push(...problemOf(one, witness(one.example.dialect)));
    // When rules are read anew, this process serves its sessions in between.
    await setImmediate();
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

function protocolOf(dialect: Dialect): ProtocolName {
  return dialect === 'postgres' ? 'postgres' : 'mysql';
}

function problemOf({ rule, example, where }: RuleExample, witness: Witness): Problem[] {
  const found = outcome(rule, example, witness);
  const { becomes, refused, guards } = example;
  const expected = becomes ?? (guards === undefined ? `refused: ${refused ?? ''}` : `guards: ${guards}`);
  if (found === expected) return [];
  return [
    {
      where,
      message: `the example of rule "${rule.id}" comes out otherwise\n${difference(expected, found)}`,
    },
  ];
}

/** The text that is sent, or the refusal with its reason, in the form in which an example has it. */
function outcome(rule: Rule, example: ExampleEntry, witness: Witness): string {
  const { dialect, isolation, session } = example;
  const lexer = plainLexer(dialect);
  const playback = new Playback({
    lexer,
    witness,
    catalog: new AssumedCatalog(dialect),
    rules: onItsTables(rule),
    isolation: isolation ?? (dialect === 'postgres' ? 'read committed' : 'repeatable read'),
  });
  let verdict: Verdict | undefined;
  for (const [index, text] of session.entries()) {
    try {
      verdict = playback.say(readStatement(text, lexer)).verdict;
    } catch (error) {
      if (error instanceof UnreadableInput) return `statement ${index + 1} cannot be read: ${error.message}`;
      throw error;
    }
  }
  if (verdict === undefined) return 'nothing is found';
  if (verdict.reason !== undefined) return `refused: ${verdict.reason}`;
  if (verdict.decision === 'guarded') return `guards: ${written(verdict.table)}`;
  return (verdict.sent?.at(-1)?.toString('utf8') ?? '').replace(`/* interlock:${rule.id} */ `, '');
}

function written({ schema, name }: Name): string {
  return Buffer.from(schema === undefined ? name : `${schema}.${name}`, 'latin1').toString('utf8');
}

/** Rewrites, as far as the rule's own list of tables goes: what an example shows is what happens where it may. */
function onItsTables(rule: Rule): SessionRules {
  const { tables, not_tables: notTables } = rule.match;
  const match = { ...(tables && { tables }), ...(notTables && { not_tables: notTables }) };
  const { canary: _, ...plain } = rule;
  const shown = { ...plain, match, mode: 'rewrite', tablesNamed: true } as Rule;
  return ruleSet([shown], undefined).forSession({ listener: '', user: '', database: '', application: '' });
}

/** Both texts, and a mark under the first character that differs. */
function difference(expected: string, found: string): string {
  let same = 0;
  while (same < expected.length && expected[same] === found[same]) same++;
  return `    expected  ${expected}\n    found     ${found}\n              ${' '.repeat(same)}^`;
}
