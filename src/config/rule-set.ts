/**
 * The rules as sessions ask for them. For each pattern the first rule that matches wins, also when its mode is off: that
 * is how an operator keeps Interlock away from a table.
 */
import type { Rule } from '../patterns/rule.ts';
import type { PatternId } from '../patterns/types.ts';
import type { RuleSet, SessionInfo, SessionRules } from '../session/types.ts';
import type { Name } from '../sql/shape.ts';
import { anyOf, tableTest, type TableTest } from './globs.ts';

interface Compiled {
  rule: Rule;
  /** The same rule for tables that the operator named elsewhere (rules.tables). */
  named: Rule;
  session: (info: SessionInfo) => boolean;
  table: TableTest;
}

/** In an application_name or program_name: the app keeps this session out. */
const optOut = /(^|;)\s*interlock=off\s*(;|$)/;

/** @param tables rules.tables: makes a split delete's table named, whatever rule applies to it */
export function ruleSet(rules: readonly Rule[], tables: readonly string[] | undefined): RuleSet {
  const compiled = rules.map(compile);
  const isNamed = tables === undefined ? () => false : tableTest(tables, false);
  return {
    forSession(info: SessionInfo): SessionRules {
      const out = info.optOut === true || optOut.test(info.application);
      const mine = out ? [] : compiled.filter((one) => one.session(info)).map((one) => inCanary(one, info));
      return {
        active: mine.some((one) => one.rule.mode !== 'off'),
        ruleFor(pattern: PatternId, table: Name): Rule | undefined {
          const found = mine.find((one) => one.rule.pattern === pattern && one.table(table));
          if (found === undefined || found.rule.mode === 'off') return undefined;
          return isNamed(table) ? found.named : found.rule;
        },
      };
    },
  };
}

/** Outside of its rule's canary a session is observed. */
function inCanary(one: Compiled, { lot = 0 }: SessionInfo): Compiled {
  const { canary = 1, mode } = one.rule;
  if (mode !== 'rewrite' || lot < canary) return one;
  return {
    ...one,
    rule: { ...one.rule, mode: 'observe' } as Rule,
    named: { ...one.named, mode: 'observe' } as Rule,
  };
}

function compile(rule: Rule): Compiled {
  const { listeners, databases, users, applications, tables, not_tables: notTables } = rule.match;
  const listener = anyOf(listeners);
  const database = anyOf(databases);
  const user = anyOf(users);
  const application = anyOf(applications);
  const wanted = tables === undefined ? () => true : tableTest(tables, false);
  const unwanted = notTables === undefined ? () => false : tableTest(notTables, true);
  return {
    rule,
    named: { ...rule, tablesNamed: true },
    session: (info) =>
      listener(info.listener) && database(info.database) && user(info.user) && application(info.application),
    table: (table) => wanted(table) && !unwanted(table),
  };
}
