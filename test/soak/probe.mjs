/** Loaded into the proxy by NODE_OPTIONS=--import: on SIGUSR2 it collects garbage and logs what is in use, in bytes. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
let samples = 0;

process.on('SIGUSR2', () => {
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  samples += 1;
  const handles = process.getActiveResourcesInfo().length;
  process.stdout.write(
    `${JSON.stringify({ msg: 'probe', samples, inUse: heapUsed + external, rss, handles })}\n`,
  );
});
