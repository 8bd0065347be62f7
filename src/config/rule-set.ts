/**
 * The rules as sessions ask for them. For each pattern the first rule that matches wins, also when its mode is off: that
 * is how an operator keeps Interlock away from a table.
 */
import { fingerprintsOf } from '../patterns/anticipate/fingerprints.ts';
import { tableOf } from '../patterns/anticipate/settings.ts';
import type { Rule } from '../patterns/rule.ts';
import type { PatternId } from '../patterns/types.ts';
import type { RuleSet, SessionInfo, SessionRules } from '../session/types.ts';
import type { Name } from '../sql/shape.ts';
import { anyOf, tableTest, type TableTest } from './globs.ts';

/** One object each for the life of the set: a session tells by identity whether the same rule still applies. */
interface Variants {
  inside: Rule;
  /** Of the rule's canary. */
  outside: Rule;
}

interface Compiled extends Variants {
  rule: Rule;
  /** For tables that the operator named elsewhere (rules.tables). */
  named: Variants;
  session: (info: SessionInfo) => boolean;
  table: TableTest;
  statement: (fingerprint: string | undefined) => boolean;
}

/** In an application_name or program_name: the app keeps this session out. */
const optOut = /(^|;)\s*interlock=off\s*(;|$)/;

/** @param tables rules.tables: makes a split delete's table named, whatever rule applies to it */
export function ruleSet(rules: readonly Rule[], tables: readonly string[] | undefined): RuleSet {
  const compiled = rules.map(compile);
  const isNamed = tables === undefined ? () => false : tableTest(tables, false);
  return {
    forSession(info: SessionInfo): SessionRules {
      const { lot = 0 } = info;
      const out = info.optOut === true || optOut.test(info.application);
      const mine = out ? [] : compiled.filter((one) => one.session(info));
      return {
        active: mine.some((one) => one.rule.mode !== 'off'),
        anticipates: mine.some(({ rule }) => rule.pattern === 'anticipate' && rule.mode !== 'off'),
        ruleFor(pattern: PatternId, table: Name, fingerprint?: string): Rule | undefined {
          const found = mine.find(
            (one) => one.rule.pattern === pattern && one.statement(fingerprint) && one.table(table),
          );
          if (found === undefined || found.rule.mode === 'off') return undefined;
          const { inside, outside } = isNamed(table) ? found.named : found;
          return lot < (found.rule.canary ?? 1) ? inside : outside;
        },
      };
    },
  };
}

/**
 * As a session outside of the rule's canary has it: observed; with `guard: all` it waits for those that rewrite, and they
 * for it.
 */
function outsideCanary(rule: Rule): Rule {
  const { canary, mode, pattern, settings, tablesNamed } = rule;
  if (canary === undefined || mode !== 'rewrite') return rule;
  // Where nobody has named the table there is nobody to wait for.
  const guardOnly = pattern === 'split-delete' && settings.guard === 'all' && tablesNamed;
  return { ...rule, mode: 'observe', ...(guardOnly && { guardOnly }) };
}

function variants(rule: Rule): Variants {
  return { inside: rule, outside: outsideCanary(rule) };
}

function compile(rule: Rule): Compiled {
  const { listeners, databases, users, applications, tables, not_tables: notTables } = rule.match;
  const listener = anyOf(listeners);
  const database = anyOf(databases);
  const user = anyOf(users);
  const application = anyOf(applications);
  const fingerprints = rule.pattern === 'anticipate' ? fingerprintsOf(rule.settings.select) : undefined;
  const guarded = rule.pattern === 'anticipate' ? tableOf(rule.settings) : undefined;
  const wanted = tables === undefined ? () => true : tableTest(tables, false);
  const unwanted = notTables === undefined ? () => false : tableTest(notTables, true);
  return {
    rule,
    ...variants(rule),
    named: variants({ ...rule, tablesNamed: true }),
    session: (info) =>
      listener(info.listener) && database(info.database) && user(info.user) && application(info.application),
    // The table whose guard is taken, which the SELECT need not show.
    table: (read) => {
      const table = guarded ?? read;
      return wanted(table) && !unwanted(table);
    },
    statement: (fingerprint) =>
      fingerprints === undefined || (fingerprint !== undefined && fingerprints.has(fingerprint)),
  };
}
