/** One process of main.ts: a task on the command line, what was found as a message. */
import { fuzz, type Task } from './run.ts';

const found = fuzz(JSON.parse(process.argv[2] ?? '') as Task);
process.send?.(found, () => process.disconnect());
