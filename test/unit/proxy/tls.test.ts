/** Handshakes that do not come to their end: nothing is said in the clear, nothing is left behind. */
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ClientTls } from '../../../src/proxy/tls.ts';
import { authority, noOpenssl, type Authority } from '../../support/certificates.ts';
import { stage, type RelaySession } from './support.ts';

const why = noOpenssl();
if (why !== undefined) process.stderr.write(`\n*** NOT TESTED: TLS: ${why}\n\n`);

/** The beginning of a ClientHello. */
const hello = Buffer.from('16030100c8010000c40303', 'hex');

describe.skipIf(why !== undefined)('TLS', () => {
  let ca: Authority;
  let tls: ClientTls;
  beforeAll(() => {
    ca = authority();
    const files = ca.issue('proxy', ['localhost']);
    tls = new ClientTls({ mode: 'allow', minVersion: 'TLSv1.2', files }, undefined);
  });
  afterAll(() => ca.remove());

  /** Answers the first bytes with S and a handshake, or takes them for one. */
  const asks = (session: RelaySession): void => {
    session.script = (side, chunk, actions) => {
      if (side !== 'client' || session.counters.forwarded > 1) return;
      actions.toServer = [];
      if (chunk[0] === 0x16) actions.startTls = { side, hello: Buffer.from(chunk) };
      else {
        actions.toClient = [Buffer.from('S')];
        actions.startTls = { side };
      }
    };
  };

  test.each(['asked for', 'direct'])('%s: bytes go both ways, and the session is told', async (way) => {
    const s = await stage(asks, {}, tls);
    const client = await s.client();
    if (way === 'asked for') {
      client.send('tls?');
      expect(await client.read(1)).toBe('S');
    }
    const socket = connectTls({ socket: client.socket, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    socket.write('hello');
    const server = await s.accepted();
    expect(await server.read(5)).toBe('hello');
    expect(s.sessions[0]?.securedLegs).toEqual(['client']);
    server.send('world');
    expect(String((await once(socket, 'data'))[0])).toBe('world');
    // A half-closed client still gets its reply.
    socket.end('bye');
    expect(await server.toEnd()).toBe('bye');
    const reply = once(socket, 'data');
    server.socket.end('reply');
    expect(String((await reply)[0])).toBe('reply');
    await vi.waitFor(() => expect(s.proxy.sessions).toBe(0));
  });

  test.each(['nothing', 'half a hello'])(
    '%s, then silence: ended by the log-in timeout, without a word',
    async (what) => {
      const s = await stage(asks, { loginTimeout: 30 }, tls);
      const client = await s.client();
      client.send('tls?');
      expect(await client.read(1)).toBe('S');
      if (what !== 'nothing') client.socket.write(hello);
      expect(await client.toEnd()).toBe('');
      await vi.waitFor(() => expect(s.proxy.sessions).toBe(0));
      expect(s.seen.refused).toEqual(['57014']);
    },
  );

  test.each(['end', 'destroy', 'resetAndDestroy'] as const)(
    'a client that leaves in the middle: %s',
    async (leaves) => {
      const s = await stage(asks, {}, tls);
      const client = await s.client();
      client.send('tls?');
      expect(await client.read(1)).toBe('S');
      client.socket.write(hello);
      client.socket[leaves]();
      await vi.waitFor(() => expect(s.proxy.sessions).toBe(0));
      expect(s.seen).toMatchObject({ closed: 1, crashed: [] });
      expect(s.seen.tlsFailed).toHaveLength(1);
    },
  );

  test('a drain in the middle of a handshake ends it', async () => {
    const s = await stage(asks, {}, tls);
    const client = await s.client();
    client.send('tls?');
    expect(await client.read(1)).toBe('S');
    const drained = s.proxy.drain();
    s.proxy.abort();
    expect(await client.toEnd()).toBe('');
    await drained;
  });
});
