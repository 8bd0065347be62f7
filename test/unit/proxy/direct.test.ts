import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import { canBeDirect, DirectSocket, kept } from '../../../src/proxy/direct.ts';

const highWaterMark = 256 * 1024;

/** The two ends of one connection; the server's is accepted as the proxy accepts. */
async function pair(): Promise<{ ours: Socket; theirs: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const theirs = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  const [ours] = (await once(server, 'connection')) as [Socket];
  server.close();
  onTestFinished(() => {
    ours.destroy();
    theirs.destroy();
  });
  return { ours, theirs };
}

async function direct(data: (chunk: Buffer) => void): Promise<{ ours: DirectSocket; theirs: Socket }> {
  const { ours, theirs } = await pair();
  ours.on('data', data);
  const taken = DirectSocket.of(ours, highWaterMark, data);
  if (taken === undefined) throw new Error('not taken');
  onTestFinished(() => void taken.socket.destroy());
  taken.socket.resume();
  return { ours: taken, theirs };
}

test('on this version of Node a plain socket can be direct, a TLS socket cannot', async () => {
  const { ours } = await pair();
  expect(canBeDirect(ours)).toBe(true);
  const secure = new TLSSocket(ours);
  expect(canBeDirect(secure)).toBe(false);
  secure.destroy();
});

test('a socket with something in its buffers is not taken, and works on', async () => {
  const { ours, theirs } = await pair();
  ours.pause();
  theirs.write('early');
  await vi.waitFor(() => {
    ours.read(0);
    expect(ours.readableLength).toBe(5);
  });
  expect(DirectSocket.of(ours, highWaterMark, () => undefined)).toBeUndefined();
  const data = once(ours, 'data');
  ours.resume();
  const [chunk] = (await data) as [Buffer];
  expect(chunk.toString()).toBe('early');
});

test('chunks are lent: what is kept is a copy, what is not ours is kept as it is', async () => {
  const chunks: [Buffer, Buffer][] = [];
  const { theirs } = await direct((chunk) => chunks.push([chunk, kept(chunk)]));
  theirs.write('first');
  await vi.waitFor(() => expect(chunks).toHaveLength(1));
  theirs.write('other');
  await vi.waitFor(() => expect(chunks).toHaveLength(2));
  expect(chunks.map(([, copy]) => copy.toString())).toEqual(['first', 'other']);
  expect(chunks[0]?.[0].toString()).toBe('other');
  const own = Buffer.from('own');
  expect(kept(own)).toBe(own);
});

test('what the kernel does not take at once arrives in order, although the buffers are used again', async () => {
  const { ours, theirs } = await direct(() => undefined);
  theirs.pause();
  const bytes = Buffer.alloc(300_000);
  let sent = 0;
  const send = (count: number, length: number): void => {
    const parts = Array.from({ length: count }, (_, index) =>
      bytes.subarray(index * length, (index + 1) * length),
    );
    for (const part of parts) part.fill(sent++ & 0xff);
    ours.send(parts);
    bytes.fill(0xee);
  };
  // Until it waits in the stream, and on from there: alone, joined, and as a vector.
  while (ours.socket.writableLength === 0) send(1, 100_000);
  for (const [count, length] of [
    [2, 1_000],
    [3, 100_000],
    [1, 5],
  ] as const)
    send(count, length);
  const wanted = sent;
  ours.socket.end();
  const seen: number[] = [];
  theirs.on('data', (chunk: Buffer) => {
    for (const byte of chunk) if (byte !== seen.at(-1)) seen.push(byte);
  });
  await once(theirs.resume(), 'end');
  expect(seen).toEqual(Array.from({ length: wanted }, (_, index) => index & 0xff));
});

test('a vector of which the kernel takes a part arrives whole', async () => {
  const { ours, theirs } = await direct(() => undefined);
  theirs.pause();
  const parts = Array.from({ length: 40 }, (_, index) => Buffer.alloc(250_000, index));
  ours.send(parts);
  expect(ours.socket.writableLength).toBeGreaterThan(0);
  ours.socket.end();
  const chunks: Buffer[] = [];
  theirs.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(theirs.resume(), 'end');
  expect(Buffer.concat(chunks).equals(Buffer.concat(parts))).toBe(true);
});

test('a peer that is gone is an error of the socket, as with a stream', async () => {
  const { ours, theirs } = await direct(() => undefined);
  const failed = once(ours.socket, 'error');
  theirs.resetAndDestroy();
  await vi.waitFor(() => {
    if (!ours.socket.destroyed) ours.send([Buffer.from('x')]);
    expect(ours.socket.destroyed).toBe(true);
  });
  expect(((await failed) as [NodeJS.ErrnoException])[0].code).toMatch(/^(EPIPE|ECONNRESET)$/);
});

test('pausing stops the reading', async () => {
  let bytes = 0;
  const { ours, theirs } = await direct((chunk) => (bytes += chunk.length));
  ours.socket.pause();
  theirs.write(Buffer.alloc(1_000));
  await new Promise((resolve) => theirs.write('x', resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(bytes).toBe(0);
  ours.socket.resume();
  await vi.waitFor(() => expect(bytes).toBe(1_001));
});
