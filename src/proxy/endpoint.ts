/**
 * Addresses put to work: how a server is connected to, and how a listener takes its place, TCP or Unix socket.
 *
 * A name is looked up for every connection. All its addresses are tried, the families in turn, one after the other: the next
 * when one refuses or has not answered within attemptMs, the last for as long as limits.connect_timeout allows (Node's
 * autoSelectFamily, a sequential form of RFC 8305).
 */
import { once } from 'node:events';
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, type AddressInfo, type Server, type Socket, type TcpSocketConnectOpts } from 'node:net';
import type { Endpoint, ListenAddress } from '../config/address.ts';

/** Time for one of several addresses. Node's own 250 ms would give up servers on another continent. */
const attemptMs = 1_000;

export function connectOptions(server: Endpoint) {
  if ('path' in server) return server;
  const options = {
    ...server,
    noDelay: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: attemptMs,
  };
  return options satisfies TcpSocketConnectOpts;
}

/** What is to be done about an error of connect(). */
export function connectHint(code: string | undefined): string | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return 'Nobody listens there: is the server running?';
    case 'ENOENT':
      return 'There is no such socket: is the server running?';
    case 'EACCES':
      return "Interlock's system user may not use that socket.";
    case 'ENOTFOUND':
      return 'That name has no address: is it spelt right?';
    case 'EAI_AGAIN':
      return 'The name servers do not answer.';
    default:
      return undefined;
  }
}

/** @param ms of silence until the other side is asked whether it is there; 0: never. Node itself asks 10 times, once a second. */
export function keepAliveOptions(ms: number) {
  return { keepAlive: ms > 0, keepAliveInitialDelay: ms };
}

/** What a client is counted and named by. All of a Unix socket are one. */
export function clientAddress({ remoteAddress }: Socket): string {
  return remoteAddress?.replace(/^::ffff:(?=[\d.]+$)/, '') ?? 'unix';
}

/**
 * Resolves when the server listens. The file of a Unix socket disappears when the server is closed.
 * @throws what listen() reports
 */
export async function listenOn(
  server: Server,
  at: ListenAddress,
): Promise<{ address: string; port: number | undefined }> {
  if ('port' in at) {
    server.listen(at);
    await once(server, 'listening');
    const { address, port } = server.address() as AddressInfo;
    return { address, port };
  }
  try {
    server.listen({ path: at.path });
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || !(await removedStale(at.path))) throw error;
    server.listen({ path: at.path });
    await once(server, 'listening');
  }
  chmodSync(at.path, at.mode);
  return { address: at.path, port: undefined };
}

/** Takes away the socket of a process that is gone: nobody answers on it. Never another kind of file. */
async function removedStale(path: string): Promise<boolean> {
  const before = lstatSync(path, { throwIfNoEntry: false });
  if (before?.isSocket() !== true || (await answers(path))) return false;
  // What another process has put there meanwhile stays.
  if (lstatSync(path, { throwIfNoEntry: false })?.ino === before.ino) unlinkSync(path);
  return true;
}

/** Only a refusal says that nobody listens; whatever else happens, somebody may. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}
