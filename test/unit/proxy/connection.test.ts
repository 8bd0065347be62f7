import { once } from 'node:events';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { describe, expect, test, vi } from 'vitest';
import { loggedIn, stage, type RelaySession } from './support.ts';

const forms = [
  ['streams', false],
  ['direct sockets', true],
] as const;

describe.each(forms)('relay over %s', (_, logsIn) => {
  test('bytes go both ways and the session sees them', async () => {
    const s = await stage((session) => (session.logsIn = logsIn));
    const client = await s.client();
    client.send('hello');
    const server = await s.accepted();
    expect(await server.read(5)).toBe('hello');
    server.send('world');
    expect(await client.read(5)).toBe('world');
    expect(s.proxy.counters().forwarded).toBe(2);
    expect(s.proxy.sessions).toBe(1);
  });

  test('a batch of many buffers arrives whole and in order, small or large', async () => {
    const s = await stage((session) => {
      session.logsIn = logsIn;
      session.script = (side, chunk, actions) => {
        if (side !== 'server') return;
        const size = chunk.toString() === 'small' ? 3 : 100_000;
        actions.toClient = Array.from({ length: 26 }, (_, index) => Buffer.alloc(size, 97 + index));
      };
    });
    const client = await s.client();
    client.send('x');
    const server = await s.accepted();
    for (const [word, size] of [
      ['small', 3],
      ['large', 100_000],
    ] as const) {
      server.send(word);
      const text = await client.read(26 * size);
      expect(text).toBe(
        Array.from({ length: 26 }, (_, index) => String.fromCharCode(97 + index).repeat(size)).join(''),
      );
    }
  });

  test('the server is not connected to before there is something to say', async () => {
    const s = await stage((session) => {
      session.logsIn = logsIn;
      session.script = (_, chunk, actions) => {
        if (chunk.toString() !== 'ssl?') return;
        actions.toServer = [];
        actions.toClient = [Buffer.from('N')];
      };
    });
    const client = await s.client();
    client.send('ssl?');
    expect(await client.read(1)).toBe('N');
    const accepted = s.accepted();
    expect(await Promise.race([accepted, Promise.resolve('nobody')])).toBe('nobody');
    client.send('startup');
    expect(await (await accepted).read(7)).toBe('startup');
  });

  test('a probe that connects and leaves costs no server connection', async () => {
    const s = await stage((session) => (session.logsIn = logsIn));
    const client = await s.client();
    client.socket.end();
    expect(await client.toEnd()).toBe('');
    await vi.waitFor(() => expect(s.proxy.sessions).toBe(0));
    expect(s.sessions[0]?.closedCalls).toBe(1);
    expect(s.seen).toMatchObject({ opened: 1, closed: 1, refused: [], crashed: [] });
  });
});

describe.each(forms)('back-pressure over %s', (_, logsIn) => {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const much = 64 * 1024 * 1024;

  test('a client that does not read stops the server, and what was sent arrives later', async () => {
    let through = 0;
    const s = await stage((session) => {
      session.logsIn = logsIn;
      session.script = (side, bytes) => (through += side === 'server' ? bytes.length : 0);
    });
    const client = await s.client();
    client.send('x');
    const server = await s.accepted();
    client.socket.removeAllListeners('data').pause();
    let sent = 0;
    const pump = () => {
      while (sent < much) {
        sent += chunk.length;
        if (!server.socket.write(chunk)) return;
      }
    };
    server.socket.on('drain', pump);
    pump();
    // Stalled: what the proxy took in stops growing while the server still has bytes to send.
    let before = -1;
    await vi.waitFor(
      () => {
        const same = through === before;
        before = through;
        expect(same && through > 0).toBe(true);
      },
      { interval: 50, timeout: 10_000 },
    );
    expect(through).toBeLessThan(much / 2);
    expect(server.socket.writableLength).toBeGreaterThan(0);
    client.socket.resume();
    let received = 0;
    client.socket.on('data', (bytes) => (received += bytes.length));
    await vi.waitFor(() => expect(received).toBe(much), { timeout: 20_000 });
  });

  test('pauseClient: the client is not read until the session says so', async () => {
    const s = await stage((session) => {
      session.logsIn = logsIn;
      session.script = (side, bytes, actions) => {
        actions.pauseClient = side === 'client' && bytes.toString() === 'plan';
      };
    });
    const client = await s.client();
    client.send('plan');
    const server = await s.accepted();
    expect(await server.read(4)).toBe('plan');
    client.send('later');
    const session = s.sessions[0];
    await new Promise((resolve) => setImmediate(resolve));
    expect(session?.counters.forwarded).toBe(1);
    server.send('done');
    expect(await client.read(4)).toBe('done');
    expect(await server.read(5)).toBe('later');
  });
});

describe('time', () => {
  test('wakeAt calls wake, and its bytes leave', async () => {
    const s = await stage((session) => {
      session.script = (side, _, actions) => {
        if (side === 'client') actions.wakeAt = performance.now() + 5;
        if (side === 'wake') actions.toClient.push(Buffer.from('awake'));
      };
    });
    const client = await s.client();
    client.send('x');
    expect(await client.read(5)).toBe('awake');
    expect(s.sessions[0]?.wakes).toBe(1);
  });

  test('a timer that is no longer wanted does not fire', async () => {
    const s = await stage((session) => {
      session.script = (side, bytes, actions) => {
        if (side === 'client') actions.wakeAt = bytes.toString() === 'a' ? performance.now() + 30 : undefined;
      };
    });
    const client = await s.client();
    client.send('a');
    const server = await s.accepted();
    await server.read(1);
    client.send('b');
    await server.read(1);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(s.sessions[0]?.wakes).toBe(0);
  });

  test('wakeSoon runs outside the current call, once for many', async () => {
    const s = await stage((session) => {
      session.script = (side, _, actions) => {
        if (side === 'wake') actions.toClient.push(Buffer.from('w'));
      };
    });
    const client = await s.client();
    client.send('x');
    await s.accepted();
    const session = s.sessions[0];
    session?.wakeSoon();
    session?.wakeSoon();
    expect(session?.wakes).toBe(0);
    expect(await client.read(1)).toBe('w');
    expect(session?.wakes).toBe(1);
  });
});

describe('ends', () => {
  test('a half-closed client still gets its reply', async () => {
    const s = await stage();
    const client = await s.client();
    client.send('query');
    client.socket.end();
    const server = await s.accepted();
    expect(await server.toEnd()).toBe('query');
    server.send('reply');
    server.socket.end();
    expect(await client.toEnd()).toBe('reply');
    await vi.waitFor(() => expect(s.proxy.sessions).toBe(0));
    expect(s.sessions[0]?.closedCalls).toBe(1);
  });

  test('the end of a client is passed on only after its plan', async () => {
    const s = await stage((session) => {
      session.script = (side, _, actions) => {
        session.planning = side === 'client';
        if (side === 'server') actions.toServer.push(Buffer.from('original'));
      };
    });
    const client = await s.client();
    client.send('guard');
    const server = await s.accepted();
    expect(await server.read(5)).toBe('guard');
    client.socket.end();
    server.send('ok');
    expect(await server.toEnd()).toBe('original');
  });

  test('the server ends when all is said: its last bytes arrive, then the client is closed', async () => {
    const s = await stage((session) => (session.parted = true));
    const client = await s.client();
    client.send('x');
    const server = await s.accepted();
    server.socket.end('farewell');
    expect(await client.toEnd()).toBe('farewell');
    client.socket.end();
    await vi.waitFor(() => expect(s.proxy.sessions).toBe(0));
  });

  test('a reset by the client closes the server side', async () => {
    const s = await stage();
    const client = await s.client();
    client.send('x');
    const server = await s.accepted();
    await server.read(1);
    client.socket.resetAndDestroy();
    expect(await server.toEnd()).toBe('');
    await vi.waitFor(() => expect(s.proxy.sessions).toBe(0));
  });

  test.for([
    { how: 'fin', state: {}, told: /^<08006 Interlock lost .*: it closed the connection>$/, logged: true },
    { how: 'rst', state: {}, told: /^<08006 Interlock lost .*: ECONNRESET>$/, logged: true },
    { how: 'rst', state: { idle: true }, told: /^$/, logged: false },
    { how: 'fin', state: { idle: true }, told: /^$/, logged: false },
    { how: 'fin', state: { parted: true }, told: /^$/, logged: false },
    { how: 'rst', state: { raw: true }, told: /^$/, logged: false },
    { how: 'fin', state: { listens: false }, told: /^$/, logged: true },
  ])('the server ends by $how, $state: the client is told $told', async ({ how, state, told, logged }) => {
    const s = await stage((session) => {
      session.script = (side, _, actions) => {
        Object.assign(session, state);
        if (side === 'server') actions.events.push(loggedIn);
      };
    });
    const client = await s.client();
    client.send('x');
    const server = await s.accepted();
    server.send('z');
    expect(await client.read(1)).toBe('z');
    if (how === 'fin') server.socket.end();
    else server.socket.resetAndDestroy();
    expect(await client.toEnd()).toMatch(told);
    expect(s.seen.refused).toEqual(logged ? ['08006'] : []);
  });

  test('a client that has ended its direction is not told that the server did, too', async () => {
    const s = await stage();
    const client = await s.client();
    client.send('x');
    const server = await s.accepted();
    client.socket.end();
    expect(await server.toEnd()).toBe('x');
    server.socket.end();
    expect(await client.toEnd()).toBe('');
    expect(s.seen.refused).toEqual([]);
  });

  test('a server that goes on when the client is gone is broken off at its next bytes', async () => {
    const s = await stage();
    const client = await s.client();
    client.send('x');
    const server = await s.accepted();
    server.send('row');
    await client.read(3);
    const reset = once(server.socket, 'error');
    client.socket.resetAndDestroy();
    await server.toEnd();
    // The first is read and answered with the end, the second finds nobody.
    server.socket.write('another');
    await vi.waitFor(() => {
      server.socket.write('another');
      expect(server.socket.destroyed).toBe(true);
    });
    expect(await reset).toMatchObject([{ code: expect.stringMatching(/ECONNRESET|EPIPE/) as string }]);
    await vi.waitFor(() => expect(s.proxy.sessions).toBe(0));
  });

  test('end: what is owed is flushed, then both sides are closed', async () => {
    const s = await stage((session) => {
      session.script = (side, _, actions) => {
        actions.end = side === 'server';
      };
    });
    const client = await s.client();
    client.send('x');
    const server = await s.accepted();
    server.send('last');
    expect(await client.toEnd()).toBe('last');
    expect(await server.toEnd()).toBe('x');
  });

  test('a session that throws ends its own connection and no other', async () => {
    const s = await stage((session) => {
      session.script = (_, bytes) => {
        if (bytes.toString() === 'poison') throw new Error('defect');
      };
    });
    const [good, bad] = [await s.client(), await s.client()];
    good.send('a');
    const goodServer = await s.accepted();
    bad.send('b');
    const badServer = await s.accepted();
    await badServer.read(1);
    bad.send('poison');
    expect(await bad.toEnd()).toBe('');
    expect(await badServer.toEnd()).toBe('');
    goodServer.send('fine');
    expect(await good.read(4)).toBe('fine');
    expect(s.seen.crashed).toHaveLength(1);
  });

  test('so does one that throws when it is asked for its last word', async () => {
    const s = await stage(
      (session) => {
        session.lastWord = () => {
          throw new Error('defect');
        };
      },
      { loginTimeout: 20 },
    );
    const client = await s.client();
    expect(await client.toEnd()).toBe('');
    expect(s.seen.crashed).toHaveLength(1);
    client.socket.end();
    await vi.waitFor(() => expect(s.proxy.sessions).toBe(0));
  });

  test('a session that cannot even be made is contained as well', async () => {
    let poisoned = false;
    const s = await stage(() => {
      if (poisoned) throw new Error('defect');
    });
    const good = await s.client();
    good.send('a');
    const server = await s.accepted();
    poisoned = true;
    const bad = await s.client();
    expect(await bad.toEnd()).toBe('');
    server.send('fine');
    expect(await good.read(4)).toBe('fine');
    expect(s.seen.crashed).toHaveLength(1);
    expect(s.proxy.sessions).toBe(1);
  });

  test('a server that refuses is reported to the client', async () => {
    const s = await stage();
    await s.stopServer();
    const client = await s.client();
    client.send('x');
    expect(await client.toEnd()).toMatch(
      /^<08001 Interlock cannot connect to the server at 127\.0\.0\.1:\d+: ECONNREFUSED>$/,
    );
    expect(s.seen.refused).toEqual(['08001']);
  });
});

describe('a server that speaks first', () => {
  /** Greets; a client that has left is excused with `sorry`, and the answer to that is the end. */
  const polite = (session: RelaySession): void => {
    session.script = (side, bytes, actions) => {
      if (side === 'client left') actions.toServer = [Buffer.from('sorry')];
      if (bytes.toString() === 'no') actions.end = true;
    };
  };
  const greeted = async () => {
    const s = await stage(polite, {}, undefined, true);
    const client = await s.client();
    const server = await s.accepted();
    server.send('hello');
    await client.read(5);
    return { s, client, server };
  };

  test.each(['fin', 'rst'])(
    'a client that leaves unheard (%s): the server is told, and its answer waited for',
    async (how) => {
      const { s, client, server } = await greeted();
      if (how === 'fin') client.socket.end();
      else client.socket.resetAndDestroy();
      expect(await server.read(5)).toBe('sorry');
      expect(s.proxy.sessions).toBe(1);
      expect(s.sessions[0]?.closedCalls).toBe(0);
      server.send('no');
      expect(await server.toEnd()).toBe('');
      await vi.waitFor(() => expect(s.proxy.sessions).toBe(0));
      expect(s.sessions[0]?.closedCalls).toBe(1);
      expect(s.seen).toMatchObject({ abandoned: 1, closed: 1, refused: [], crashed: [] });
    },
  );

  test('a client that has spoken is not excused', async () => {
    const { s, client, server } = await greeted();
    client.send('login');
    client.socket.end();
    expect(await server.toEnd()).toBe('login');
    expect(s.seen.abandoned).toBe(0);
  });

  test('the server goes first: there is nobody to be told', async () => {
    const { s, client, server } = await greeted();
    server.socket.end();
    expect(await client.toEnd()).toMatch(/^<08006 /);
    client.socket.end();
    expect(await server.toEnd()).toBe('');
    await vi.waitFor(() => expect(s.proxy.sessions).toBe(0));
    expect(s.seen.abandoned).toBe(0);
  });

  test('a drain does not wait for a client that says nothing, but for the server', async () => {
    const { s, client, server } = await greeted();
    const drained = s.proxy.drain();
    expect(await client.toEnd()).toBe('<57P01 Interlock is shutting down>');
    client.socket.end();
    expect(await server.read(5)).toBe('sorry');
    server.send('no');
    await drained;
  });

  test('an abort waits for nobody', async () => {
    const { s, client, server } = await greeted();
    s.proxy.abort();
    await client.toEnd();
    await server.toEnd();
    client.socket.end();
    await vi.waitFor(() => expect(s.proxy.sessions).toBe(0));
  });
});

describe('cancel', () => {
  test('goes over a connection of its own; the client waits for the server to close it', async () => {
    const s = await stage((session) => {
      session.script = (_, bytes, actions) => {
        actions.toServer = [];
        actions.cancel = bytes;
      };
    });
    const client = await s.client();
    client.send('cancel!');
    const server = await s.accepted();
    expect(await server.toEnd()).toBe('cancel!');
    expect(s.sessions[0]?.closedCalls).toBe(0);
    server.socket.end();
    expect(await client.toEnd()).toBe('');
    await once(client.socket.end(), 'close');
    await vi.waitFor(() => expect(s.proxy.sessions).toBe(0));
  });
});

describe('limits', () => {
  test('over the limit of connections: refused when it wants the server, and the others go on', async () => {
    const s = await stage(undefined, { connections: 1 });
    const first = await s.client();
    first.send('a');
    const server = await s.accepted();
    const second = await s.client();
    second.send('b');
    expect(await second.toEnd()).toBe('<53300 Interlock serves 1 connections already>');
    server.send('ok');
    expect(await first.read(2)).toBe('ok');
    expect(s.seen.refused).toEqual(['53300']);
  });

  test('over the limit of a client: others still get in', async () => {
    const s = await stage(undefined, { connectionsPerClient: 1 });
    const [first, second] = [await s.client(), await s.client()];
    second.send('b');
    expect(await second.toEnd()).toBe(
      "<53300 Interlock serves 1 connections of this client's address already>",
    );
    const other = connect({
      port: s.port,
      host: '127.0.0.1',
      localAddress: '127.0.0.2',
      allowHalfOpen: true,
    });
    other.write('c');
    await s.accepted();
    expect(s.proxy.clients('127.0.0.2')).toBe(1);
    other.resetAndDestroy();
    first.socket.resetAndDestroy();
    second.socket.destroy();
    await vi.waitFor(() => expect(s.proxy.sessions).toBe(0));
    expect([s.proxy.clients('127.0.0.1'), s.proxy.clients('127.0.0.2')]).toEqual([0, 0]);
    expect(s.seen.limits).toEqual(['connections_per_client']);
  });

  test('those far over the limit are dropped, and counted', async () => {
    const s = await stage(undefined, { connectionsPerClient: 1 });
    const kept = await Promise.all(Array.from({ length: 65 }, () => s.client()));
    const dropped = await s.client();
    expect(await dropped.toEnd()).toBe('');
    expect(s.seen.dropped).toEqual(['connections_per_client']);
    expect(s.proxy.sessions).toBe(kept.length);
  });

  test('over it a cancel still works', async () => {
    const s = await stage(
      (session) => {
        session.script = (_, bytes, actions) => {
          if (bytes.toString() !== 'cancel') return;
          actions.toServer = [];
          actions.cancel = bytes;
        };
      },
      { connections: 1 },
    );
    const first = await s.client();
    first.send('a');
    await s.accepted();
    const second = await s.client();
    second.send('cancel');
    expect(await (await s.accepted()).toEnd()).toBe('cancel');
  });

  test('a log-in that does not come is ended', async () => {
    const s = await stage(undefined, { loginTimeout: 20 });
    const client = await s.client();
    expect(await client.toEnd()).toBe('<57014 the log-in took longer than 20 ms>');
  });

  test('an idle session is ended in time, one in a transaction is not', async () => {
    const s = await stage(
      (session) => {
        session.logsIn = true;
        session.script = (_, bytes) => (session.idle = bytes.toString() === 'idle');
      },
      { idleTimeout: 20 },
    );
    const [busy, idle] = [await s.client(), await s.client()];
    busy.send('busy');
    idle.send('idle');
    expect(await idle.toEnd()).toBe('<57P05 nothing was sent for 20 ms outside of a transaction>');
    expect(s.seen.limits).toEqual(['idle_timeout']);
    busy.send('idle');
    expect(await busy.toEnd()).toMatch(/^<57P05 /);
  });

  test('a client that has not taken its reply yet is not idle', async () => {
    const s = await stage(
      (session) => {
        session.logsIn = true;
        session.script = (side, bytes) => (session.idle = side === 'server' || bytes.toString() === 'idle');
      },
      { idleTimeout: 20 },
    );
    const slow = await s.client();
    slow.socket.pause();
    slow.send('query');
    const server = await s.accepted();
    server.send('r'.repeat(32 * 1024 * 1024));
    // Those who come later are ended: so the time has come for the first one, too.
    const turns = 10;
    for (let turn = 0; turn < turns; turn += 1) {
      const idle = await s.client();
      idle.send('idle');
      expect(await idle.toEnd()).toMatch(/^<57P05 /);
    }
    expect(s.seen.limits).toHaveLength(turns);
  });

  test('after the log-in the timer is off', async () => {
    const s = await stage(
      (session) => {
        session.script = (_, __, actions) => {
          actions.events.push(loggedIn);
          actions.wakeAt = performance.now() + 60;
          actions.toClient.push(Buffer.from('.'));
        };
      },
      { loginTimeout: 30 },
    );
    const client = await s.client();
    client.send('x');
    expect(await client.read(2)).toBe('..');
    expect(s.seen.refused).toEqual([]);
    expect(s.seen.infos[0]).toMatchObject({
      id: 1,
      listener: 'test',
      user: 'app',
      database: 'shop',
      application: 'test',
    });
  });
});
