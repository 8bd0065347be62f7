/**
 * Hostile input in volume: a seeded sample here, ten million inputs on two processes with INTERLOCK_TEST_LONG=1. Figures of
 * a whole run: docs/robustness.md. An input that breaks a promise is named, and main.ts plays it again.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Random } from './random.ts';
import { fuzz, type Findings } from './run.ts';
import { targets } from './targets.ts';

const long = process.env['INTERLOCK_TEST_LONG'] === '1';
const sample = 20_000;
const many = 10_000_000;
/** A collection of garbage may leave this much more behind: compiled code, caches with a limit. */
const growth = 16 * 1024 * 1024;
/** Milliseconds. The promise is 50 on a quiet machine, of which the figures are a report; this catches what hangs. */
const hang = 1_000;

function expectKept(found: Findings): void {
  expect(found.failures).toEqual([]);
  for (const [name, { ms, input }] of Object.entries(found.slowest))
    expect(ms, `${name} #${input}`).toBeLessThan(hang);
  expect(found.memory.late - found.memory.early).toBeLessThan(growth);
}

describe('hostile input', () => {
  it(`${sample} inputs: nothing is thrown, nothing hangs, nothing stays behind`, () => {
    const found = fuzz({ seed: 1, inputs: sample });
    expectKept(found);
    expect(found.inputs).toBeGreaterThanOrEqual(sample);
    // The sample is worth something: most of it is broken, some of it is not, and statements reach the grammars.
    const share = (outcome: string): number => (found.outcomes[outcome] ?? 0) / found.inputs;
    for (const wire of ['postgres', 'mysql'])
      for (const kind of ['session, observe', 'session, rewrite', 'log-in'])
        for (const outcome of ['ended', 'raw relay', 'followed'])
          expect(share(`${wire} ${kind}: ${outcome}`), `${wire} ${kind}: ${outcome}`).toBeGreaterThan(0.001);
    for (const dialect of ['postgres', 'mysql', 'mariadb'])
      for (const outcome of ['agrees', 'refuses'])
        expect(share(`${dialect} witness: ${outcome}`), `${dialect}: ${outcome}`).toBeGreaterThan(0.0003);
  }, 120_000);

  it('at least half of the inputs are changed conversations past log-in', () => {
    const total = targets.reduce((sum, { share }) => sum + share, 0);
    const past = targets
      .filter(({ name }) => name.includes(' session, '))
      .reduce((sum, { share }) => sum + share, 0);
    expect(past / total).toBeGreaterThanOrEqual(0.5);
  });

  it('an input is made again from its number', () => {
    for (const target of targets)
      for (let seed = 0; seed < 20; seed += 1)
        expect(target.make(new Random(seed)), target.name).toEqual(target.make(new Random(seed)));
  });

  const whole = long ? it : undefined;
  whole?.(
    `${many} inputs on two processes`,
    async () => {
      const main = fileURLToPath(new URL('main.ts', import.meta.url));
      const seed = `${Date.now() % 0x7fffffff}`;
      const args = ['--import', 'tsx', main, '--inputs', `${many}`, '--processes', '2', '--seed', seed];
      const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 26 });
      console.log(stdout);
      const { total, processes } = JSON.parse(stdout) as { total: number; processes: Findings[] };
      expect(total).toBeGreaterThanOrEqual(many);
      for (const found of processes) expectKept(found);
    },
    4 * 3_600_000,
  );
});
