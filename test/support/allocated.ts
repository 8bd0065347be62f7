/** Counts what code allocates: the same on an idle machine and on a busy one. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
// On a busy machine the thread that compiles would not be done when counting begins.
setFlagsFromString('--no-concurrent-recompilation');
const collect = runInNewContext('gc') as () => void;

/** Runs of one sample: few enough that what they allocate fits into the young generation, so that no collection comes between. */
const runs = 200;
const samples = 40;
/** Until V8 has compiled the code in the form that it keeps, mostly; on a busy machine it may take until late in the samples. */
const warmUp = 20_000;
const between = 1_000;

/** Bytes on the heap a run, once the code is hot: the lower quartile of many samples. */
export function allocatedBytes(run: () => void): number {
  for (let i = 0; i < warmUp; i++) run();
  const counted: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    for (let i = 0; i < between; i++) run();
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < runs; i++) run();
    counted.push((process.memoryUsage().heapUsed - before) / runs);
  }
  counted.sort((a, b) => a - b);
  return counted[samples >> 2] ?? Number.NaN;
}
