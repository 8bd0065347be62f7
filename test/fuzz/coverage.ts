/**
 * Branches of src that a piece of work takes, from V8's own counters (node:inspector): the ranges of every function that
 * ran, and each function that did not run as one. That is how node:test and c8 count branches, less their source maps.
 */
import { Session } from 'node:inspector/promises';

export interface Branches {
  taken: number;
  all: number;
  /** `taken/all` by file. */
  files: Record<string, string>;
}

export async function branchesTaken<Result>(
  work: () => Promise<Result>,
): Promise<{ result: Result; branches: Branches }> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const result = await work();
  const coverage = await session.post('Profiler.takePreciseCoverage');
  session.disconnect();
  const branches: Branches = { taken: 0, all: 0, files: {} };
  for (const { url, functions } of coverage.result) {
    const file = /\/(src\/(?:wire|sql|session|memory|patterns|facts)\/.*\.ts)/.exec(url)?.[1];
    if (file === undefined) continue;
    const ranges = functions.flatMap((one) => one.ranges);
    const taken = ranges.filter(({ count }) => count > 0).length;
    branches.taken += taken;
    branches.all += ranges.length;
    branches.files[file] = `${taken}/${ranges.length}`;
  }
  return { result, branches };
}
