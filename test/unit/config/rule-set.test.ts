import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyOf, compileGlob, tableTest } from '../../../src/config/globs.ts';
import { ruleSet } from '../../../src/config/rule-set.ts';
import { plainLexer } from '../../../src/explain/dialect.ts';
import { anticipateSettings } from '../../../src/patterns/anticipate/settings.ts';
import { splitDeleteSettings } from '../../../src/patterns/split-delete/settings.ts';
import type { Mode, Rule, RuleMatch } from '../../../src/patterns/rule.ts';
import { classify } from '../../../src/sql/classify.ts';

const info = { listener: 'main', user: 'app', database: 'shop', application: 'gunicorn: worker' };

function rule(id: string, match: RuleMatch = {}, mode: Mode = 'rewrite'): Rule {
  return {
    id,
    pattern: 'split-delete',
    mode,
    match,
    settings: splitDeleteSettings.parse({}),
    tablesNamed: match.tables !== undefined,
  };
}
const found = (rules: Rule[], table: { name: string; schema?: string }, who = info, tables?: string[]) =>
  ruleSet(rules, tables).forSession(who).ruleFor('split-delete', table);

describe('which rule', () => {
  test('the first that matches', () => {
    const rules = [rule('a', { tables: ['cart_*'] }), rule('b')];
    expect(found(rules, { name: 'cart_item' })?.id).toBe('a');
    expect(found(rules, { name: 'book' })?.id).toBe('b');
  });
  test('off stops the search: a later rule does not bring the pattern back', () => {
    const rules = [rule('keep-out', { tables: ['outbox'] }, 'off'), rule('b')];
    expect(found(rules, { name: 'outbox' })).toBeUndefined();
    expect(found(rules, { name: 'book' })?.id).toBe('b');
  });
  test('another pattern is another search', () => {
    expect(
      ruleSet([rule('a')], undefined)
        .forSession(info)
        .ruleFor('unlocked-read-after-unique-violation', { name: 'x' }),
    ).toBeUndefined();
  });
  test.each<[string, RuleMatch, boolean]>([
    ['listener', { listeners: ['main'] }, true],
    ['other listener', { listeners: ['other'] }, false],
    ['database', { databases: ['sh*'] }, true],
    ['other database', { databases: ['prod'] }, false],
    ['user', { users: ['root', 'app'] }, true],
    ['other user', { users: ['ap'] }, false],
    ['application', { applications: ['gunicorn*'] }, true],
    ['other application', { applications: ['celery*'] }, false],
    [
      'all of them',
      { listeners: ['*'], databases: ['shop'], users: ['app'], applications: ['*worker'] },
      true,
    ],
    [
      'all but one',
      { listeners: ['*'], databases: ['shop'], users: ['app'], applications: ['*beat'] },
      false,
    ],
  ])('%s', (_, match, matches) => {
    const session = ruleSet([rule('a', match)], undefined).forSession(info);
    expect(session.active).toBe(matches);
    expect(session.ruleFor('split-delete', { name: 't' }) !== undefined).toBe(matches);
  });
  test('not_tables wins over tables', () => {
    const rules = [rule('a', { tables: ['cart_*'], not_tables: ['*_outbox'] })];
    expect(found(rules, { name: 'cart_item' })).toBeDefined();
    expect(found(rules, { name: 'cart_outbox' })).toBeUndefined();
  });
  test('a session that opted out has no rules', () => {
    for (const application of ['interlock=off', 'celery; interlock=off', 'a;interlock=off;b']) {
      expect(ruleSet([rule('a')], ['*']).forSession({ ...info, application }).active).toBe(false);
    }
    for (const application of ['interlock=offline', 'notinterlock=off', 'interlock']) {
      expect(ruleSet([rule('a')], ['*']).forSession({ ...info, application }).active).toBe(true);
    }
  });
  test('MySQL: or by the connection attribute `interlock`', () => {
    expect(ruleSet([rule('a')], ['*']).forSession({ ...info, optOut: true }).active).toBe(false);
    expect(ruleSet([rule('a')], ['*']).forSession({ ...info, optOut: false }).active).toBe(true);
  });
  test('a canary takes the sessions below its share; the others are observed', () => {
    const modeOf = (lot: number | undefined, mode: Mode = 'rewrite') => {
      const one = { ...rule('a', {}, mode), canary: 0.1 };
      const who = lot === undefined ? info : { ...info, lot };
      return ruleSet([one], ['*']).forSession(who).ruleFor('split-delete', { name: 't' });
    };
    expect(modeOf(0.0999)).toMatchObject({ mode: 'rewrite', tablesNamed: true });
    expect(modeOf(0.1)).toMatchObject({ mode: 'observe', tablesNamed: true });
    expect(modeOf(0.99, 'observe')?.mode).toBe('observe');
    expect(modeOf(undefined)?.mode).toBe('rewrite');
    const lots = Array.from({ length: 1000 }, (_, at) => at / 1000);
    expect(lots.filter((lot) => modeOf(lot)?.mode === 'rewrite')).toHaveLength(100);
  });
  test('only off rules: not active', () => {
    expect(ruleSet([rule('a', {}, 'off')], undefined).forSession(info).active).toBe(false);
  });
});

describe('named tables', () => {
  test('rules.tables names them for whatever rule applies', () => {
    expect(found([rule('a')], { name: 'cart' }, info, ['cart'])?.tablesNamed).toBe(true);
    expect(found([rule('a')], { name: 'book' }, info, ['cart'])?.tablesNamed).toBe(false);
    expect(found([rule('a')], { name: 'book' }, info, ['*'])?.tablesNamed).toBe(true);
  });
});

describe('globs', () => {
  test('only * and ? are special', () => {
    expect(compileGlob('a.b+c').test('a.b+c')).toBe(true);
    expect(compileGlob('a.b').test('axb')).toBe(false);
    expect(compileGlob('?at').test('cat')).toBe(true);
    expect(compileGlob('?at').test('at')).toBe(false);
    expect(compileGlob('a*').test('ba')).toBe(false);
    expect(compileGlob('*').test('a\nb')).toBe(true);
  });
  test('any text without special characters matches itself and nothing else', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (pattern, name) => {
        fc.pre(!/[*?]/.test(pattern));
        expect(compileGlob(pattern).test(pattern)).toBe(true);
        expect(compileGlob(pattern).test(name)).toBe(pattern === name);
      }),
    );
  });
  test('no list matches everything', () => expect(anyOf(undefined)('x')).toBe(true));
  test('a schema in the pattern needs the schema in the statement, unless it keeps away', () => {
    const wanted = tableTest(['shop.cart_*'], false);
    const unwanted = tableTest(['shop.cart_*'], true);
    expect(wanted({ schema: 'shop', name: 'cart_item' })).toBe(true);
    expect(wanted({ schema: 'old', name: 'cart_item' })).toBe(false);
    expect(wanted({ name: 'cart_item' })).toBe(false);
    expect(unwanted({ name: 'cart_item' })).toBe(true);
    expect(unwanted({ name: 'book' })).toBe(false);
    expect(unwanted({ schema: 'old', name: 'cart_item' })).toBe(false);
  });
  test('a table pattern is for every schema', () => {
    expect(tableTest(['cart'], false)({ schema: 'old', name: 'cart' })).toBe(true);
  });
});

describe('anticipate', () => {
  const select = 'SELECT c.id FROM c JOIN a ON a.id = c.a_id WHERE a.n = 1';
  const one = (id: string, settings: object, match: RuleMatch = {}, mode: Mode = 'rewrite'): Rule => ({
    id,
    pattern: 'anticipate',
    mode,
    match,
    settings: anticipateSettings.parse({ select: [select], ...settings }),
    tablesNamed: false,
  });
  const fingerprint = (text: string, dialect: 'postgres' | 'mariadb' = 'postgres') =>
    classify(Buffer.from(text), plainLexer(dialect)).head.fingerprint;
  const ruleOf = (rules: Rule[], text: string, table = 'c', dialect?: 'mariadb') =>
    ruleSet(rules, undefined)
      .forSession(info)
      .ruleFor('anticipate', { name: table }, fingerprint(text, dialect))?.id;

  test('the SELECT counts, its constants and parameters do not', () => {
    const rules = [one('a', {})];
    expect(ruleOf(rules, select.replace('= 1', "= 'x'"))).toBe('a');
    expect(ruleOf(rules, select.replace('= 1', '= $1'))).toBe('a');
    expect(ruleOf(rules, `${select} LIMIT 1`)).toBeUndefined();
    expect(ruleSet(rules, undefined).forSession(info).ruleFor('anticipate', { name: 'c' })).toBeUndefined();
  });
  test('by fingerprint, and in the dialect of the example', () => {
    expect(ruleOf([one('a', { select: [fingerprint(select)] })], select)).toBe('a');
    const quoted = 'SELECT `c`.`id` FROM `c` WHERE `c`.`n` = 1';
    expect(ruleOf([one('a', { select: [quoted] })], quoted, 'c', 'mariadb')).toBe('a');
  });
  test('match.tables is about the table whose guard is taken', () => {
    const named = one('a', { table: 'shop.c' }, { tables: ['shop.*'] });
    expect(ruleOf([named], select, 'x')).toBe('a');
    expect(ruleOf([one('a', {}, { tables: ['x'] }), one('b', {})], select)).toBe('b');
  });
  test('off stops the search, and a session without such rules does not look', () => {
    expect(ruleOf([one('a', {}, {}, 'off'), one('b', {})], select)).toBeUndefined();
    const session = (...rules: Rule[]) => ruleSet(rules, undefined).forSession(info);
    expect(session(one('a', {}, {}, 'off')).anticipates).toBe(false);
    expect(session(one('a', {}, { databases: ['other'] })).anticipates).toBe(false);
    expect(session(rule('b'), one('a', {})).anticipates).toBe(true);
  });
  test('what is neither a SELECT nor a fingerprint is a mistake', () => {
    for (const wrong of ['DELETE FROM c', 'abc', '', '0123456789ABCDEF'])
      expect(anticipateSettings.safeParse({ select: [wrong] }).success, wrong).toBe(false);
    expect(anticipateSettings.safeParse({ select: [] }).success).toBe(false);
  });
});
