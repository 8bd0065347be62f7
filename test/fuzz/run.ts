/**
 * Runs inputs and keeps count. An input is made from the seed and its number alone, so a finding is played again with
 * `npx tsx test/fuzz/main.ts --target NAME --seed S --from N --inputs 1`.
 */
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Random } from './random.ts';
import { targets, type Target } from './targets.ts';

export interface Findings {
  inputs: number;
  /** `target #number: what` of inputs that broke a promise; the first few. */
  failures: string[];
  /**
   * Milliseconds of the slowest input, by target. One that seems slow is run three times more, and its processor time counts,
   * the least of them: the machine has other things to do as well.
   */
  slowest: Record<string, { ms: number; input: number }>;
  /** `target: how it ended` -> how many. */
  outcomes: Record<string, number>;
  /** Seconds spent on the inputs of each target, making them not counted. */
  seconds: Record<string, number>;
  /** Bytes in use after a collection, heap and buffers: after a tenth of the inputs, and at the end. */
  memory: { early: number; late: number };
}

export interface Task {
  seed: number;
  /** How many inputs in all, divided by the targets' shares. */
  inputs: number;
  /** Number of the first input of every target. */
  from?: number;
  /** Only this target; it gets all the inputs. */
  target?: string;
}

/** Slower than this is measured again. */
const suspectMs = 5;
const mostFailures = 20;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function memoryInUse(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Numbers of targets and inputs make one number; the multiplier is odd, so neighbours are far apart. */
const seedOf = (seed: number, target: number, input: number): number =>
  (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(target + 1, 0x85ebca77) ^ Math.imul(input + 1, 0xc2b2ae3d)) >>>
  0;

export function fuzz({ seed, inputs, from = 0, target: only }: Task): Findings {
  const found: Findings = {
    inputs: 0,
    failures: [],
    slowest: {},
    outcomes: {},
    seconds: {},
    memory: { early: 0, late: 0 },
  };
  const shares = targets.reduce((sum, { share }) => sum + share, 0);
  const chosen = [...targets.entries()].filter(([, { name }]) => only === undefined || name === only);
  const counts = chosen.map(([, { share }]) =>
    only === undefined ? Math.ceil((inputs * share) / shares) : inputs,
  );
  // In ten rounds, so that every target has had its warm-up before memory is looked at.
  for (let round = 0; round < 10; round += 1) {
    for (const [at, [index, target]] of chosen.entries()) {
      const count = counts[at] ?? 0;
      const [first, last] = [Math.floor((count * round) / 10), Math.floor((count * (round + 1)) / 10)];
      for (let input = from + first; input < from + last; input += 1)
        runOne(found, target, seedOf(seed, index, input), input);
    }
    if (round === 0) found.memory.early = memoryInUse();
  }
  found.memory.late = memoryInUse();
  return found;
}

function runOne(found: Findings, target: Target, seed: number, input: number): void {
  const { name } = target;
  found.inputs += 1;
  try {
    const made = target.make(new Random(seed));
    const begin = performance.now();
    const outcome = `${name}: ${target.run(made)}`;
    let ms = performance.now() - begin;
    found.outcomes[outcome] = (found.outcomes[outcome] ?? 0) + 1;
    found.seconds[name] = (found.seconds[name] ?? 0) + ms / 1000;
    if (ms > suspectMs)
      for (let again = 0; again < 3; again += 1) ms = Math.min(ms, processorTime(target, made));
    const slowest = found.slowest[name];
    if (slowest === undefined || ms > slowest.ms) found.slowest[name] = { ms, input };
  } catch (error) {
    if (found.failures.length < mostFailures)
      found.failures.push(`${name} #${input}: ${(error as Error).stack ?? String(error)}`);
  }
}

function processorTime(target: Target, made: unknown): number {
  const before = process.cpuUsage();
  target.run(made);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
