/** A session that keeps itself out, as its log-in says so: PostgreSQL's application_name, MySQL's connection attributes. */
import { expect, test } from 'vitest';
import { ruleSet as configured } from '../../../src/config/rule-set.ts';
import type { Rule } from '../../../src/patterns/rule.ts';
import { splitDeleteSettings } from '../../../src/patterns/split-delete/settings.ts';
import { createMysqlSession } from '../../../src/session/mysql/session.ts';
import { createPostgresSession } from '../../../src/session/postgres/session.ts';
import type { RuleSet, SessionInfo, SessionOptions } from '../../../src/session/types.ts';
import { capability as c } from '../../../src/wire/mysql/capabilities.ts';
import { plainLimits, sharedState } from '../../streams/session.ts';
import { client } from '../../streams/encode.ts';
import { writeGreeting, writeResponse } from '../wire/mysql/login-writers.ts';

const rule: Rule = {
  id: 'r',
  pattern: 'split-delete',
  mode: 'rewrite',
  canary: 0.5,
  match: {},
  settings: splitDeleteSettings.parse({}),
  tablesNamed: true,
};

function options(lot?: number): {
  options: SessionOptions;
  seen: { info: SessionInfo; mode: string | undefined }[];
} {
  const rules = configured([rule], ['*']);
  const seen: { info: SessionInfo; mode: string | undefined }[] = [];
  const watched: RuleSet = {
    forSession(info) {
      const mine = rules.forSession(info);
      seen.push({ info, mode: mine.ruleFor('split-delete', { name: 't' })?.mode });
      return mine;
    },
  };
  return {
    seen,
    options: {
      listener: 'l',
      rules: watched,
      limits: plainLimits,
      shared: sharedState(),
      server: 's',
      ...(lot !== undefined && { lot }),
      wakeSoon: () => undefined,
    },
  };
}

function mysql(attributes: Record<string, string>, lot?: number): string | undefined {
  const { options: made, seen } = options(lot);
  const session = createMysqlSession(made);
  const flags = c.mysql | c.protocol41 | c.secureConnection | c.pluginAuth | c.connectWithDb | c.connectAttrs;
  const capabilities = { flags, mariadb: 0 };
  const plugin = 'mysql_native_password';
  const greeting = {
    versionText: '8.0.40',
    connectionId: 7,
    scramble: Buffer.alloc(20, 0x61),
    capabilities,
    plugin,
  };
  session.receive('server', writeGreeting(greeting), 0);
  session.receive(
    'client',
    writeResponse({ user: 'app', database: 'shop', capabilities, plugin, attributes }),
    0,
  );
  expect(seen).toHaveLength(1);
  return seen[0]?.mode;
}

function postgres(application: string, lot?: number): string | undefined {
  const { options: made, seen } = options(lot);
  createPostgresSession(made).receive(
    'client',
    client.startup({ user: 'app', application_name: application }),
    0,
  );
  expect(seen).toHaveLength(1);
  return seen[0]?.mode;
}

test('PostgreSQL: in application_name', () => {
  expect(postgres('worker')).toBe('rewrite');
  expect(postgres('worker;interlock=off')).toBeUndefined();
});
test('MySQL: in program_name, or as an attribute of its own', () => {
  expect(mysql({ program_name: 'worker' })).toBe('rewrite');
  expect(mysql({ program_name: 'worker;interlock=off' })).toBeUndefined();
  expect(mysql({ interlock: 'off' })).toBeUndefined();
  expect(mysql({ interlock: 'on' })).toBe('rewrite');
});
test('the lot that the edge draws decides about the canary', () => {
  expect([postgres('w', 0.49), postgres('w', 0.5), mysql({}, 0.49), mysql({}, 0.5)]).toEqual([
    'rewrite',
    'observe',
    'rewrite',
    'observe',
  ]);
});
