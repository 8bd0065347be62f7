/**
 * Asks a MySQL or MariaDB server what can be known without an account: its greeting, and whether TLS comes about as the
 * configuration wants it. The connection is broken off before the log-in, which the server counts once (max_connect_errors).
 */
import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { Socket } from 'node:net';
import { hostOf, type Target } from '../proxy/open-server.ts';
import { serverTlsFailure } from '../proxy/tls.ts';
import { capability, has } from '../wire/mysql/capabilities.ts';
import { marker } from '../wire/mysql/codes.ts';
import { Framer, Head, Message } from '../wire/mysql/framer.ts';
import { readGreeting, type Greeting } from '../wire/mysql/greeting.ts';
import { sslRequestBytes } from '../wire/mysql/handshake-response.ts';
import { readErr } from '../wire/mysql/server-packets.ts';
import { writePacket } from '../wire/mysql/writers.ts';
import { CannotConnect, openServer } from './open.ts';

export interface MysqlProbe {
  greeting: Greeting;
  /** The server offers TLS. */
  offersTls: boolean;
  /** Of the handshake that was made; undefined: the leg is plain. */
  tls: { version: string; certificate: PeerCertificate } | undefined;
}

const maxGreetingBytes = 64 * 1024;

/** @throws CannotConnect with what to say */
export async function probeMysql(target: Target, timeoutMs: number): Promise<MysqlProbe> {
  const { socket } = await openServer(target, timeoutMs);
  try {
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    const greeting = await greetingFrom(socket);
    const offersTls = has(greeting.capabilities.flags, capability.ssl);
    const { mode } = target.serverTls.config;
    if (mode === 'disable' || 'path' in target.server) return { greeting, offersTls, tls: undefined };
    if (!offersTls && mode !== 'prefer')
      throw new CannotConnect({
        reason: 'it does not offer TLS',
        hint: 'Enable TLS on the server, or set server_tls.mode to prefer.',
      });
    if (!offersTls) return { greeting, offersTls, tls: undefined };
    const secure = await secured(socket, target, greeting);
    const tls = { version: secure.getProtocol() ?? '', certificate: secure.getPeerCertificate() };
    secure.destroy();
    return { greeting, offersTls, tls };
  } finally {
    socket.destroy();
  }
}

function greetingFrom(socket: Socket): Promise<Greeting> {
  const framer = new Framer(maxGreetingBytes);
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new CannotConnect({ reason: 'it closed the connection' }));
    socket.once('close', closed);
    socket.once('error', (error) => reject(new CannotConnect({ reason: error.message })));
    socket.on('data', (chunk) => {
      try {
        framer.push(chunk);
        let step = framer.next();
        if (step === Head) {
          framer.hold();
          step = framer.next();
        }
        if (step !== Message) return;
        socket.off('close', closed).removeAllListeners('data').pause();
        const { type, buf, start, end } = framer;
        if (type === marker.error) {
          const { errno, message } = readErr(buf, start, end);
          reject(new CannotConnect({ reason: `it says ${errno}: ${message}` }));
        } else resolve(readGreeting(buf, start, end));
      } catch (error) {
        reject(
          new CannotConnect({ reason: `it does not speak MySQL's protocol: ${(error as Error).message}` }),
        );
      }
    });
    socket.resume();
  });
}

function secured(
  socket: Socket,
  { server, serverTls }: Target,
  { capabilities }: Greeting,
): Promise<TLSSocket> {
  const request = Buffer.alloc(sslRequestBytes);
  const wanted = capability.ssl | capability.protocol41 | capability.secureConnection | capability.mysql;
  request.writeUInt32LE((capabilities.flags & wanted) >>> 0);
  request.writeUInt32LE(maxGreetingBytes, 4);
  request[8] = 45;
  socket.write(writePacket(1, request));
  return new Promise((resolve, reject) => {
    serverTls.handshake(socket, hostOf(server), undefined, (result) => {
      if (result instanceof Error) reject(new CannotConnect(serverTlsFailure(result)));
      else resolve(result);
    });
  });
}
