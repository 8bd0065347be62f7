import { once } from 'node:events';
import { lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { connectOptions, listenOn } from '../../../src/proxy/endpoint.ts';

let path: string;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'interlock-socket-'));
  path = join(folder, 's');
  onTestFinished(() => rmSync(folder, { recursive: true }));
});

function listener(): Server {
  // The proxy's own probe leaves without a word.
  const server = createServer((socket) => socket.on('error', () => undefined).end('hello'));
  onTestFinished(() => void server.close());
  return server;
}

async function hello(): Promise<string> {
  const [bytes] = (await once(connect({ path }), 'data')) as [Buffer];
  return bytes.toString();
}

/** What a process leaves that was killed. */
function stale(): void {
  const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  expect(spawnSync(process.execPath, ['-e', code]).signal).toBe('SIGKILL');
  expect(lstatSync(path).isSocket()).toBe(true);
}

test('listens with the mode asked for, and the file goes with the server', async () => {
  const server = listener();
  expect(await listenOn(server, { path, mode: 0o640 })).toEqual({ address: path, port: undefined });
  expect(lstatSync(path).mode & 0o777).toBe(0o640);
  expect(await hello()).toBe('hello');
  server.close();
  expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined();
});

test('a socket on which nobody answers is replaced', async () => {
  stale();
  await listenOn(listener(), { path, mode: 0o777 });
  expect(await hello()).toBe('hello');
});

test('a socket on which somebody answers is not', async () => {
  await listenOn(listener(), { path, mode: 0o777 });
  await expect(listenOn(listener(), { path, mode: 0o777 })).rejects.toThrow(/EADDRINUSE/);
  expect(await hello()).toBe('hello');
});

test('nor is any other file', async () => {
  writeFileSync(path, 'precious');
  await expect(listenOn(listener(), { path, mode: 0o777 })).rejects.toThrow(/EADDRINUSE/);
  expect(lstatSync(path).size).toBe(8);
});

test('all addresses of a name are tried', async () => {
  const server = createServer((socket) => socket.end('hello'));
  onTestFinished(() => void server.close());
  const { port } = await listenOn(server, { host: '127.0.0.1', port: 0 });
  const lookup = (_: string, __: object, done: (error: null, found: object[]) => void) =>
    done(null, [
      { address: '::1', family: 6 },
      { address: '127.0.0.2', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]);
  const options = { ...connectOptions({ host: 'db.test', port: port as number }), lookup: lookup as never };
  const [bytes] = (await once(connect(options as never), 'data')) as [Buffer];
  expect(bytes.toString()).toBe('hello');
});
