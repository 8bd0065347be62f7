/** Latencies of a sample of transactions, as pgbench logs them (-l): the third column is microseconds. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Every tenth transaction is logged, so that the log costs little. @returns arguments for pgbench, and what they have left */
export function sampled() {
  const folder = mkdtempSync(join(tmpdir(), 'interlock-latency-'));
  return {
    args: ['-l', '--sampling-rate=0.1', `--log-prefix=${join(folder, 'log')}`],
    read() {
      const lines = readdirSync(folder).flatMap((name) =>
        readFileSync(join(folder, name), 'latin1').split('\n'),
      );
      rmSync(folder, { recursive: true });
      const times = lines.filter(Boolean).map((line) => Number(line.split(' ')[2]));
      times.sort((a, b) => a - b);
      const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))] / 1000;
      return { p50: at(0.5), p99: at(0.99) };
    },
  };
}
