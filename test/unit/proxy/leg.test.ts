/** How long a closing leg waits for its peer. The sockets are real, the clock is not. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { Leg } from '../../../src/proxy/leg.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => vi.useRealTimers());

async function pair(): Promise<{ leg: Leg; peer: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    allowHalfOpen: true,
  });
  const [socket] = (await once(server, 'connection')) as [Socket];
  onTestFinished(() => {
    peer.destroy();
    socket.destroy();
    server.close();
  });
  const nothing = () => undefined;
  return {
    leg: new Leg(socket, { data: nothing, drain: nothing, end: nothing, error: nothing, close: nothing }),
    peer,
  };
}

/** More than two kernels' buffers take. */
const much = Buffer.alloc(32 * 1024 * 1024);

test('a peer that is slow to read gets everything', async () => {
  const { leg, peer } = await pair();
  peer.pause();
  leg.send([much]);
  leg.finish();
  vi.advanceTimersByTime(30_000);
  expect(leg.socket.destroyed).toBe(false);
  let got = 0;
  peer.on('data', (chunk) => (got += chunk.length)).resume();
  await once(peer, 'end');
  expect(got).toBe(much.length);
});

test('one that takes nothing at all is dropped after a minute, in an abort after five seconds', async () => {
  const [finished, aborted] = [await pair(), await pair()];
  for (const { leg, peer } of [finished, aborted]) {
    peer.pause();
    leg.send([much]);
  }
  finished.leg.finish();
  aborted.leg.abort();
  // What the kernel takes is taken at once.
  await new Promise((resolve) => setImmediate(resolve));
  vi.advanceTimersByTime(10_000);
  expect([finished.leg.socket.destroyed, aborted.leg.socket.destroyed]).toEqual([false, true]);
  vi.advanceTimersByTime(60_000);
  expect(finished.leg.socket.destroyed).toBe(true);
});

test('one that has everything and goes on sending is dropped after five seconds', async () => {
  const { leg, peer } = await pair();
  leg.send([Buffer.from('bye')]);
  leg.finish();
  peer.resume();
  await once(peer, 'end');
  for (let seconds = 0; seconds < 10; seconds += 2) {
    if (leg.socket.destroyed) break;
    const read = leg.socket.bytesRead;
    peer.write('x');
    await vi.waitFor(() => expect(leg.socket.bytesRead).toBeGreaterThan(read));
    vi.advanceTimersByTime(2_000);
  }
  expect(leg.socket.destroyed).toBe(true);
});
