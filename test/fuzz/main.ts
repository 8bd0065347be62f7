/**
 * Fuzzing without a test runner, on several processes: `npx tsx test/fuzz/main.ts --inputs 10000000 --processes 2`.
 * `--target NAME --seed S --from N --inputs 1` plays one input again. Prints one JSON line; exit code 1 when a promise was
 * broken. `--coverage`: in this process alone, with the branches of src that were taken (see coverage.ts).
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Findings, Task } from './run.ts';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    target: { type: 'string' },
    processes: { type: 'string', default: '1' },
    coverage: { type: 'boolean', default: false },
  },
});
const { inputs, seed, from, processes } = {
  inputs: Number(values.inputs),
  seed: Number(values.seed),
  from: Number(values.from),
  processes: Number(values.processes),
};
const task = (share: number): Task => ({
  seed: seed + share,
  inputs: Math.ceil(inputs / processes),
  from,
  ...(values.target === undefined ? {} : { target: values.target }),
});

async function elsewhere(share: number): Promise<Findings> {
  const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), [JSON.stringify(task(share))], {
    execArgv: ['--import', 'tsx'],
  });
  const ended = once(child, 'exit');
  const [found] = (await Promise.race([once(child, 'message'), ended.then(([code]) => [code])])) as [
    Findings | number | null,
  ];
  if (found === null || typeof found === 'number') throw new Error(`a fuzz process ended with ${found}`);
  await ended;
  return found;
}

const here = async (): Promise<Findings> => (await import('./run.ts')).fuzz(task(0));

async function covered(): Promise<{ found: Findings; branches: unknown }> {
  const { branchesTaken } = await import('./coverage.ts');
  const { result, branches } = await branchesTaken(here);
  return { found: result, branches };
}

const begin = performance.now();
const all: Findings[] = [];
let branches: unknown;
if (values.coverage) {
  const run = await covered();
  all.push(run.found);
  branches = run.branches;
} else if (processes === 1) all.push(await here());
else all.push(...(await Promise.all(Array.from({ length: processes }, (_, share) => elsewhere(share)))));
const seconds = (performance.now() - begin) / 1000;
const total = all.reduce((sum, found) => sum + found.inputs, 0);
console.log(
  JSON.stringify({
    seed,
    total,
    seconds,
    inputsPerSecond: total / seconds,
    processes: all,
    ...(branches === undefined ? {} : { branches }),
  }),
);
process.exitCode = all.some(({ failures }) => failures.length > 0) ? 1 : 0;
