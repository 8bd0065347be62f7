/**
 * Takes a cancel request to the server on a connection of its own, under the same TLS policy, as the protocol wants it.
 * The server never answers; it closes when the request is dealt with, and clients wait for exactly that.
 */
import { Opening, type OpeningLimits } from './open-server.ts';
import type { ListenerOptions } from './types.ts';

/** @param done called once, whatever became of the request: a cancel is never reported */
export function forwardCancel(
  listener: ListenerOptions,
  bytes: Buffer,
  limits: OpeningLimits,
  done: () => void,
): void {
  new Opening(listener, limits, (result) => {
    if ('reason' in result) return done();
    const { socket } = result;
    socket.setTimeout(limits.connectTimeout, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', done);
    socket.resume();
    socket.end(bytes);
  });
}
