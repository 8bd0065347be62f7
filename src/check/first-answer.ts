/** The beginning of a PostgreSQL session as a client without a password sees it: what the server asks for, or its error. */
import type { Socket } from 'node:net';
import { readSaslMechanisms } from '../wire/postgres/authentication.ts';
import { server as codes } from '../wire/postgres/codes.ts';
import { Framer, Head, Message } from '../wire/postgres/framer.ts';
import { readError, readFirstValue, readParameterStatus } from '../wire/postgres/server-messages.ts';
import { writeStartup } from '../wire/postgres/startup.ts';
import { writeQuery } from '../wire/postgres/writers.ts';
import type { Asked } from './postgres-cells.ts';

export interface FirstAnswer {
  asked?: Asked;
  /** Only where the server let us in. */
  parameters: Map<string, string>;
  isolation?: string;
  error?: { code: string; message: string };
}

/** Longest message that is read. */
const maxBytes = 1024 * 1024;
const methods: Record<number, Asked['method']> = {
  0: 'none',
  3: 'password',
  5: 'md5',
  7: 'gss',
  9: 'gss',
  10: 'sasl',
};
const isolationQuery = 'SHOW default_transaction_isolation';

/** Resolves when the server waits for a password, has answered, or has gone. The socket is closed. */
export function firstAnswer(
  socket: Socket,
  user: string,
  database: string,
  timeoutMs: number,
): Promise<FirstAnswer> {
  const answer: FirstAnswer = { parameters: new Map() };
  const frames = new Framer(maxBytes);
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => {
      answer.error ??= { code: '', message: `no answer within ${timeoutMs} ms` };
      finish();
    }, timeoutMs);
    socket.on('data', (chunk: Buffer) => {
      frames.push(chunk);
      for (let step = frames.next(); step !== 0; step = frames.next()) {
        if (step === Head) frames.hold();
        else if (step === Message && read(frames, answer, socket)) return finish();
      }
    });
    socket.on('error', finish).on('close', finish);
    socket.write(writeStartup({ user, database, application_name: 'interlock check' }));
  });
}

/** @returns true when there is nothing more to wait for */
function read({ type, buf, start, end }: Framer, answer: FirstAnswer, socket: Socket): boolean {
  if (type === codes.authentication) {
    const method = methods[buf.readInt32BE(start + 5)] ?? 'other';
    answer.asked = { method, mechanisms: readSaslMechanisms(buf, start, end) ?? [] };
    return method !== 'none';
  }
  if (type === codes.parameterStatus) {
    const { name, value } = readParameterStatus(buf, start, end);
    answer.parameters.set(name, value);
  } else if (type === codes.error) {
    const { code, message } = readError(buf, start, end);
    answer.error = { code, message };
    return true;
  } else if (type === codes.dataRow) {
    answer.isolation = readFirstValue(buf, start, end) ?? '';
    return true;
  } else if (type === codes.readyForQuery) socket.write(writeQuery(isolationQuery));
  return false;
}
