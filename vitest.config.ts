/**
 * Three projects, run in this order by scripts/test.mjs:
 * unit    pure, no ports, all cores
 * engines real servers and the built proxy, one file at a time: each file starts servers of its own
 * stress  many sessions against one server: alone on the machine, so that the figures mean something
 * `*.long.test.ts` is there with INTERLOCK_TEST_LONG=1 only.
 */
import { defineConfig } from 'vitest/config';

const stress = 'test/**/*.stress.test.ts';
const long = process.env.INTERLOCK_TEST_LONG === '1' ? [] : ['test/**/*.long.test.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['unit', 'streams', 'rewrites', 'fuzz'].map((folder) => `test/${folder}/**/*.test.ts`),
          exclude: [stress],
        },
      },
      {
        test: {
          name: 'engines',
          include: [
            'test/races/**/*.test.ts',
            'test/same/**/*.test.ts',
            'test/clients/**/*.test.ts',
            'test/journey/**/*.test.ts',
            'test/faults/**/*.test.ts',
            'test/browser/**/*.test.ts',
            'test/support/**/*.test.ts',
          ],
          exclude: [stress, ...long],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'stress',
          include: [stress],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
