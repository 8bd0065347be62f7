/** `interlock explain FILE|-`: what Interlock sees in a transcript or a server's log. Exit codes: 0 explained, 2 not readable. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { z } from 'zod';
import { loadFlags } from '../config/flags.ts';
import { loadFile, type Config } from '../config/load.ts';
import { ConfigError } from '../config/problem.ts';
import type { KnownTable } from '../explain/assumed.ts';
import { explain } from '../explain/explain.ts';
import { readInput } from '../explain/read.ts';
import { render } from '../explain/render.ts';
import { UnreadableInput } from '../explain/said.ts';
import { reasons } from '../patterns/reasons.ts';
import { loadWitnesses } from '../sql/witness/load.ts';
import { UsageError } from './usage.ts';

export const explainHelp = `usage: interlock explain FILE|- [options]

FILE is plain SQL with results behind it (\`-> 3, 4\` or \`-- 3, 4\`), a server's log (PostgreSQL: stderr, csvlog, jsonlog with
log_statement = all; MySQL, MariaDB: the general log), or a recording (interlock record). No database is needed.

  --dialect NAME        postgres, mysql or mariadb (default: by the input)
  --isolation LEVEL     of transactions that do not say (PostgreSQL: 'read committed'; MySQL, MariaDB: 'repeatable read')
  --facts FILE          YAML: what you know of the tables, {book: {primary_key: [id], unique: {book_isbn: [isbn]}}}
  --rules, --tables, --mode, -c FILE
                        the rules to explain with, as for running (default: generic, which observes)
  --as KEY=VALUE,...    with rules that match by listener, database, user or application: the session to explain
  --findings            only the statements in which something was found
  --json                for machines
`;

const options = {
  dialect: { type: 'string' },
  isolation: { type: 'string' },
  facts: { type: 'string' },
  rules: { type: 'string' },
  tables: { type: 'string', multiple: true },
  mode: { type: 'string' },
  config: { type: 'string', short: 'c' },
  as: { type: 'string' },
  findings: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const chosen = z.object({
  dialect: z.enum(['postgres', 'mysql', 'mariadb']).optional(),
  isolation: z.enum(['read uncommitted', 'read committed', 'repeatable read', 'serializable']).optional(),
});

const facts = z.record(
  z.string(),
  z.strictObject({
    primary_key: z.array(z.string()).min(1).optional(),
    unique: z.record(z.string(), z.array(z.string()).min(1)).optional(),
  }),
);

/** @returns what goes to standard output @throws UsageError, ConfigError, UnreadableInput */
export async function explainCommand(args: string[]): Promise<string> {
  const { values, positionals } = parsed(args);
  if (values.help === true) return explainHelp;
  const [file, more] = positionals;
  if (file === undefined || more !== undefined)
    throw new UsageError('explain needs one file, or - for standard input');
  const choice = chosen.safeParse(values);
  if (!choice.success) {
    const [issue] = choice.error.issues;
    throw new UsageError(`--${String(issue?.path[0])}: ${issue?.message ?? ''}`);
  }
  const { dialect, isolation } = choice.data;
  const input = readInput(read(file), dialect);
  const witness = await loadWitnesses([input.dialect === 'postgres' ? 'postgres' : 'mysql']);
  const statements = explain(input, {
    dialect: input.dialect,
    witness: witness(input.dialect),
    rules: rulesOf(values).ruleSet.forSession(session(values.as)),
    ...(values.facts !== undefined && { tables: tablesOf(values.facts) }),
    ...(isolation !== undefined && { isolation }),
  });
  const { format, lacks } = input;
  if (values.json === true) {
    const shown =
      values.findings === true ? statements.filter(({ finding }) => finding !== undefined) : statements;
    return `${JSON.stringify({ format, dialect: input.dialect, ...(lacks && { lacks }), statements: shown }, null, 2)}\n`;
  }
  const colours = process.stdout.isTTY && !process.env.NO_COLOR;
  return render(input, statements, { colours, findingsOnly: values.findings === true, reasons });
}

function parsed(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function read(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UnreadableInput(`cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}`);
  }
}

type Values = ReturnType<typeof parsed>['values'];

function rulesOf({ config, rules, tables, mode }: Values): Config {
  if (config === undefined)
    return loadFlags({ server: 'postgres://localhost', rules, tables, mode }, process.cwd());
  if (rules !== undefined || tables !== undefined || mode !== undefined)
    throw new UsageError(
      '-c and --rules, --tables or --mode exclude each other: write the setting into the file',
    );
  return loadFile(config, process.env);
}

const who = z.strictObject({
  listener: z.string().default(''),
  database: z.string().default(''),
  user: z.string().default(''),
  application: z.string().default(''),
});

function session(text = ''): z.output<typeof who> {
  const pairs = text.split(',').filter((one) => one !== '');
  const found = who.safeParse(Object.fromEntries(pairs.map((one) => one.split('=', 2))));
  if (!found.success) throw new UsageError('--as: write listener=…, database=…, user=… or application=…');
  return found.data;
}

/** @throws ConfigError */
function tablesOf(file: string): ReadonlyMap<string, KnownTable> {
  let value: unknown;
  try {
    value = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError([
      { where: file, message: error instanceof Error ? error.message : 'cannot be read' },
    ]);
  }
  const result = facts.safeParse(value);
  if (result.success) return new Map(Object.entries(result.data));
  throw new ConfigError(
    result.error.issues.map(({ path, message }) => ({
      where: file,
      message: `${path.join('.')}: ${message}`,
    })),
  );
}
