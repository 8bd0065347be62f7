/** CPU time of a process and its descendants, from /proc (proc(5): utime and stime in clock ticks). Linux only. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100;

/** pid -> parent, user ticks, system ticks. The command's name may hold blanks and parentheses: read behind the last one. */
function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), user: Number(fields[11]), system: Number(fields[12]) };
  } catch {
    return undefined;
  }
}

function family(root) {
  const stats = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const read = stat(name);
    if (read !== undefined) stats.set(Number(name), read);
  }
  const belongs = (pid) => {
    for (let at = pid; at > 1; at = stats.get(at)?.parent ?? 0) if (at === root) return true;
    return false;
  };
  return [...stats].filter(([pid]) => belongs(pid)).map(([, read]) => read);
}

/** Microseconds since each process started: `{ user, system }`. Zero for no process. */
export function cpuTime(pid) {
  if (pid === undefined) return { user: 0, system: 0 };
  const micros = (ticks) => (ticks / ticksPerSecond) * 1e6;
  const all = family(pid);
  return {
    user: micros(all.reduce((sum, one) => sum + one.user, 0)),
    system: micros(all.reduce((sum, one) => sum + one.system, 0)),
  };
}
