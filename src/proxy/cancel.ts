/**
 * Takes a cancel request to the server on a connection of its own, as the protocol wants it. The server never answers;
 * it closes when the request is dealt with, and clients wait for exactly that.
 */
import { connect } from 'node:net';
import type { Endpoint } from '../config/address.ts';
import { connectOptions } from './endpoint.ts';

/** @param done called once, whatever became of the request: a cancel is never reported */
export function forwardCancel(server: Endpoint, bytes: Buffer, timeoutMs: number, done: () => void): void {
  const socket = connect(connectOptions(server));
  socket.setTimeout(timeoutMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('close', done);
  socket.resume();
  socket.end(bytes);
}
