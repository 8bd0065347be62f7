/** Samples are for show: they may not take more than their share of the process's time, nor of its memory. */
import { expect, test } from 'vitest';
import { Samples } from '../../../src/admin/samples.ts';
import { splitDeleteSettings } from '../../../src/patterns/split-delete/settings.ts';
import type { FindingEvent, FindingTexts } from '../../../src/session/types.ts';
import { SentStatement, StatementText } from '../../../src/session/statement.ts';
import { realWitness } from '../../streams/session.ts';

const settings = {
  dialect: 'postgres',
  standardConformingStrings: true,
  ansiQuotes: true,
  noBackslashEscapes: true,
} as const;
const texts: FindingTexts = {
  statement: new SentStatement(
    new StatementText(Buffer.from('DELETE FROM t WHERE id IN (1)'), settings),
    'simple',
  ),
  settings,
  finding: {
    rule: {
      id: 'r',
      pattern: 'split-delete',
      mode: 'rewrite',
      match: {},
      settings: splitDeleteSettings.parse({}),
      tablesNamed: true,
    },
  },
  sent: undefined,
};
const event = (fingerprint: string): FindingEvent => ({
  type: 'finding',
  pattern: 'split-delete',
  rule: 'r',
  mode: 'rewrite',
  decision: 'refused',
  fingerprint,
  table: 't',
  rows: 1,
});

test('over the share nothing new is made, what is known stays, and time brings the share back', () => {
  let now = 0;
  let cost = 60;
  // The clock is read when the work begins and when it has ended.
  let reads = 0;
  const samples = new Samples(
    10,
    () => realWitness,
    () => (reads++ % 2 === 0 ? now : (now += cost)),
  );
  reads = 0;
  const seen = (name: string): boolean => {
    const one = event(name);
    samples.seen(one, texts);
    return samples.of(one) !== undefined;
  };
  expect([seen('a'), seen('b')]).toEqual([true, true]);
  // It costs nothing to find out: the clock is read once.
  expect(seen('c')).toBe(false);
  expect(seen('a')).toBe(true);
  now += 1000;
  cost = 0;
  reads = 0;
  expect(seen('c')).toBe(true);
});

test('the oldest sample goes when there are too many', () => {
  const samples = new Samples(2, () => realWitness);
  const [a, b, ...later] = ['a', 'b', 'a', 'c', 'a', 'b'].map((name) => {
    const one = event(name);
    samples.seen(one, texts);
    return samples.of(one);
  });
  expect([a?.before.length, later[0] === a, later[2] === a, later[3] === b]).toEqual([1, true, true, false]);
});

test('the same DELETE behind another SELECT is another sample', () => {
  const samples = new Samples(10, () => realWitness);
  const shown = ['archived', 'expired'].map((column) => {
    const one = event('f');
    const select = Buffer.from(`SELECT id FROM t WHERE ${column}`);
    const began = new SentStatement(new StatementText(select, settings), 'simple');
    samples.seen(one, { ...texts, finding: { ...texts.finding, began } });
    return samples.of(one)?.before[0];
  });
  expect(shown).toEqual(['SELECT id FROM t WHERE archived', 'SELECT id FROM t WHERE expired']);
});
