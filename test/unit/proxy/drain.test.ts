import { describe, expect, test } from 'vitest';
import { loggedIn, plain, stage, type RelaySession } from './support.ts';

/** Logged in at the first answer; idle after `Z`, busy after anything else. */
function follow(session: RelaySession): void {
  session.script = (side, bytes, actions) => {
    if (side === 'server') actions.events.push(loggedIn);
    session.idle = side === 'server' && bytes.toString().endsWith('Z');
  };
}
const goodbye = '<57P01 Interlock is shutting down>';

describe('drain', () => {
  test('with nobody there it is over at once, and nobody gets in', async () => {
    const s = await stage();
    await s.proxy.drain();
    await expect(s.client()).rejects.toThrow(/ECONNREFUSED/);
  });

  test('idle sessions are told and the server gets a proper end', async () => {
    const s = await stage(follow);
    const client = await s.client();
    client.send('a');
    const server = await s.accepted();
    server.send('Z');
    await client.read(1);
    const drained = s.proxy.drain();
    expect(await client.toEnd()).toBe(goodbye);
    expect(await server.toEnd()).toBe('a<goodbye>');
    client.socket.end();
    server.socket.end();
    await drained;
    expect(s.proxy.sessions).toBe(0);
  });

  test('an open transaction goes on to its end', async () => {
    const s = await stage(follow);
    const client = await s.client();
    client.send('begin');
    const server = await s.accepted();
    server.send('T');
    await client.read(1);
    const drained = s.proxy.drain();
    client.send('commit');
    expect(await server.read(11)).toBe('begincommit');
    server.send('Z');
    expect(await client.toEnd()).toBe(`Z${goodbye}`);
    client.socket.end();
    server.socket.end();
    await drained;
  });

  test.for([
    [true, goodbye],
    [false, ''],
  ] as const)('after the drain timeout the rest is ended; told where it fits (%s)', async ([fits, told]) => {
    const prepare = (session: RelaySession): void => {
      session.listens = fits;
      follow(session);
    };
    const s = await stage(prepare, { drainTimeout: 20 });
    const client = await s.client();
    client.send('begin');
    const server = await s.accepted();
    server.send('T');
    await client.read(1);
    const drained = s.proxy.drain();
    expect(await client.toEnd()).toBe(told);
    expect(await server.toEnd()).toBe('begin');
    await drained;
    expect(s.seen.limits).toEqual(['drain_timeout']);
  });

  test('a client that has not said a word is told as well', async () => {
    const s = await stage(follow);
    const client = await s.client();
    client.send('a');
    await s.accepted();
    const silent = await s.client();
    const drained = s.proxy.drain();
    expect(await silent.toEnd()).toBe(goodbye);
    s.proxy.abort();
    await drained;
  });
});

test('two listeners cannot share a port: start fails and leaves nothing open', async () => {
  const s = await stage();
  const { Proxy } = await import('../../../src/proxy/server.ts');
  const names: string[] = [];
  const listener = (name: string, port: number) => ({
    name,
    listen: { host: '127.0.0.1', port },
    server: { host: '127.0.0.1', port: 1 },
    protocol: undefined as never,
    tls: undefined,
    serverTls: plain,
  });
  const nothing = () => undefined;
  const proxy = new Proxy({
    listeners: [listener('free', 0), listener('taken', s.port)],
    limits: { connections: 1, loginTimeout: 1, connectTimeout: 1, drainTimeout: 1, keepAlive: 0 },
    observer: {
      listening: (name) => names.push(name),
      opened: nothing,
      closed: nothing,
      event: nothing,
      refused: nothing,
      dropped: nothing,
      abandoned: nothing,
      tlsFailed: nothing,
      certificatesReloaded: nothing,
      crashed: nothing,
    },
  });
  await expect(proxy.start()).rejects.toThrow(/EADDRINUSE/);
  expect(names).toEqual(['free']);
});
