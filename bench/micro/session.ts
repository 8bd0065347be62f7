/**
 * What the session costs a transaction, without sockets: µs of CPU and bytes allocated, over the chunks that pgbench and a
 * server exchange. `node --import tsx bench/micro/session.ts`
 */
import { exchanges, type Exchange } from '../../test/streams/exchanges.ts';
import { allocatedBytes } from '../../test/support/allocated.ts';

/** Best of seven rounds, in CPU time of this process: a busy machine does not count. */
function microseconds({ transaction }: Exchange): number {
  for (let i = 0; i < 20_000; i++) transaction();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 7; round++) {
    const start = process.cpuUsage();
    for (let i = 0; i < 10_000; i++) transaction();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 10_000);
  }
  return best;
}

console.log('per transaction'.padEnd(34), 'µs'.padStart(8), 'bytes'.padStart(8));
for (const exchange of exchanges()) {
  const time = microseconds(exchange);
  console.log(
    exchange.name.padEnd(34),
    time.toFixed(2).padStart(8),
    allocatedBytes(exchange.transaction).toFixed(0).padStart(8),
  );
}
