/** A network between two TCP peers: it passes everything on in odd chunks, and may break a connection off at any byte. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { Random } from '../fuzz/random.ts';

export interface Gate {
  port: number;
  /** A connection ends, by FIN or RST, when about so many bytes have passed it in one direction. 0: never. */
  breakAfter: number;
  /** Connections that it broke off. */
  broken: number;
  close(): void;
}

export async function startGate(to: { host: string; port: number }, random: Random): Promise<Gate> {
  const open = new Set<Socket>();
  const gate: Gate = { port: 0, breakAfter: 0, broken: 0, close: () => undefined };

  async function pass(from: Socket, into: Socket): Promise<void> {
    let left = gate.breakAfter === 0 ? Infinity : random.below(2 * gate.breakAfter);
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        for (let at = 0; at < chunk.length;) {
          const length = Math.min(left, 1 + random.below(chunk.length));
          if (random.chance(4)) await turn();
          if (!into.write(chunk.subarray(at, at + length)))
            await Promise.race([once(into, 'drain'), once(into, 'close')]);
          at += length;
          left -= length;
          if (left <= 0) {
            gate.broken += 1;
            if (random.chance(2)) into.end();
            else into.resetAndDestroy();
            from.destroy();
            return;
          }
        }
      }
      into.end();
    } catch {
      into.destroy();
    }
  }

  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ ...to, allowHalfOpen: true });
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => open.delete(socket));
    }
    void pass(near, far);
    void pass(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  gate.port = (server.address() as AddressInfo).port;
  gate.close = () => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  return gate;
}
