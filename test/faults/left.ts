/** What a proxy has open, for tests of how connections end: when all is over, nothing may be left of them. */
import { existsSync, readdirSync } from 'node:fs';
import { expect } from 'vitest';
import type { Proxy } from '../support/proxy.ts';

/** Open files of the process, sockets included; 0 where there is no /proc. */
export function openFiles({ pid }: Proxy): number {
  const folder = `/proc/${pid}/fd`;
  return existsSync(folder) ? readdirSync(folder).length : 0;
}

/** Waits until nobody is connected and as many files are open as before, and no defect was met. @param files of a proxy that had served somebody */
export async function nothingLeft(proxy: Proxy, files: number): Promise<void> {
  const left = async (): Promise<object> => {
    const metrics = await proxy.metrics();
    return {
      sessions: metrics['interlock_sessions'],
      waiting: metrics['interlock_guard_waiting'],
      memory: metrics['interlock_memory_bytes'],
      problems: metrics['interlock_problems_total'],
      // The admin port's own connection comes and goes.
      more: openFiles(proxy) > files + 1,
    };
  };
  const nothing = { sessions: 0, waiting: 0, memory: 0, problems: 0, more: false };
  await expect.poll(left, { timeout: 15_000 }).toEqual(nothing);
}
