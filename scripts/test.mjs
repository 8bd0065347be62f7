/**
 * Runs the vitest projects one after the other (see vitest.config.ts), cheap ones first, and sums up in one line:
 * `N passed, N failed`, with `, N skipped` when there are any. `--long` sets INTERLOCK_TEST_LONG=1: more random cases,
 * more rounds. Further arguments go to vitest (a file name, `-t name`).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const projects = ['unit', 'engines', 'stress'];
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const long = process.argv.includes('--long');
const rest = process.argv.slice(2).filter((argument) => argument !== '--long');
const reports = mkdtempSync(join(tmpdir(), 'interlock-tests-'));
// A log file has no colours, whatever the environment of a CI thinks.
const plain = process.stdout.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: '0' };
const total = { passed: 0, failed: 0, skipped: 0 };

for (const project of projects) {
  console.log(`\n=== ${project}`);
  const report = join(reports, `${project}.json`);
  const args = [
    vitest,
    'run',
    '--project',
    project,
    '--passWithNoTests',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ];
  const env = { ...process.env, ...plain, ...(long ? { INTERLOCK_TEST_LONG: '1' } : {}) };
  const { status } = spawnSync(process.execPath, [...args, ...rest], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env,
  });
  const result = existsSync(report)
    ? JSON.parse(readFileSync(report, 'utf8'))
    : { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0 };
  total.passed += result.numPassedTests;
  total.skipped += result.numPendingTests + (result.numTodoTests ?? 0);
  // A file that could not be loaded, or an error outside of any test, has no failed test to count.
  total.failed += status === 0 ? 0 : Math.max(1, result.numFailedTests);
}

rmSync(reports, { recursive: true, force: true });
const skipped = total.skipped === 0 ? '' : `, ${total.skipped} skipped`;
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
