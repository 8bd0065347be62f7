/**
 * The recordings themselves: they come out of the fake server as they were recorded, and the project's framer and readers
 * read every message of them. Without this the other tests of this folder would prove nothing.
 */
import { describe, expect, it } from 'vitest';
import * as readers from '../../src/wire/postgres/client-messages.ts';
import { client as letters, server as serverLetters } from '../../src/wire/postgres/codes.ts';
import { Framer, Message, None } from '../../src/wire/postgres/framer.ts';
import * as answers from '../../src/wire/postgres/server-messages.ts';
import { readStartup } from '../../src/wire/postgres/startup.ts';
import { allCaptures, curatedCaptures } from './captures.ts';
import { capturedCatalog } from './catalog.ts';
import { conversations } from './conversation.ts';
import { frames, readClient } from './decode.ts';
import { runDirect } from './drive.ts';
import { FakeServer } from './fake-server.ts';
import { ScriptBrain } from './script.ts';

const catalog = capturedCatalog();
const curated = curatedCaptures();
const all = [...curated, ...allCaptures()].flatMap((capture) => conversations(capture, catalog));
const replies = all.map((conversation) => {
  const brain = new ScriptBrain(conversation.script, []);
  const server = new FakeServer(brain);
  const before = runDirect(conversation.flights.slice(0, conversation.preamble), server);
  return {
    conversation,
    brain,
    before,
    after: runDirect(conversation.flights.slice(conversation.preamble), server),
  };
});

type Read = (buf: Buffer, start: number, end: number) => unknown;
const clientReaders: Record<number, Read> = {
  [letters.query]: (buf, start, end) => buf.subarray(readers.readQuery(buf, start, end), end - 1),
  [letters.parse]: readers.readParse,
  [letters.bind]: readers.readBind,
  [letters.describe]: readers.readDescribe,
  [letters.close]: readers.readClose,
  [letters.execute]: readers.readExecute,
};
const serverReaders: Record<number, Read> = {
  [serverLetters.rowDescription]: answers.readRowDescription,
  [serverLetters.dataRow]: answers.readFirstValue,
  [serverLetters.commandComplete]: answers.readCommandComplete,
  [serverLetters.readyForQuery]: answers.readReadyStatus,
  [serverLetters.parameterStatus]: answers.readParameterStatus,
};

/** Frames the stream with the project's own code and reads what it has a reader for. */
function framed(stream: Buffer, read: Record<number, Read>): unknown[] {
  const framer = new Framer(1 << 20);
  const found: unknown[] = [];
  framer.push(stream);
  for (let step = framer.next(); step !== None; step = framer.next()) {
    expect(step).toBe(Message);
    found.push(read[framer.type]?.(framer.buf, framer.start, framer.end));
  }
  expect(framer.rest().length).toBe(0);
  return found;
}

describe('recorded conversations', () => {
  it('are all there', () => {
    expect(curated.length).toBe(44);
    expect(all.length).toBeGreaterThan(1500);
    expect(
      new Set(allCaptures().map((capture) => `${capture.orm} ${capture.version}`)).size,
    ).toBeGreaterThanOrEqual(20);
  });

  it('come out of the fake server with the recorded transaction statuses, every statement in its turn', () => {
    for (const { conversation, brain, after } of replies) {
      const statuses = frames(after.toClient)
        .frames.filter((frame) => frame.type === 'Z')
        .map((frame) => frame.body.toString('latin1'));
      expect(statuses, conversation.label).toEqual(conversation.statuses);
      expect(brain.unexpected, conversation.label).toEqual([]);
      expect(brain.finished, conversation.label).toBe(true);
    }
  });

  it('are read by the project to the same values as by the independent reader', () => {
    let statements = 0;
    for (const { before, after } of replies) {
      const startup = readStartup(before.toServer);
      if (startup?.kind !== 'startup') throw new Error('no start-up message');
      const stream = Buffer.concat([before.toServer.subarray(startup.bytes.length), after.toServer]);
      const mine = frames(stream).frames.map(readClient);
      for (const [index, theirs] of framed(stream, clientReaders).entries()) {
        const one = mine[index];
        if (one?.kind === 'query') expect(String(theirs)).toBe(one.sql);
        if (one?.kind === 'parse') {
          expect({ ...(theirs as readers.ParseMessage), text: one.sql }).toEqual({
            name: one.name,
            text: one.sql,
            types: one.types,
          });
        }
        if (one?.kind === 'bind') expect((theirs as readers.BindMessage).values).toEqual(one.values);
        if (one?.kind === 'query' || one?.kind === 'parse') statements += 1;
      }
      framed(Buffer.concat([before.toClient, after.toClient]), serverReaders);
    }
    expect(statements).toBeGreaterThan(7000);
  });

  it('name the table and column of result columns, expressions excepted', () => {
    const columns = all
      .flatMap((conversation) => conversation.script)
      .flatMap((entry) => entry.answers.flatMap((answer) => (answer.kind === 'rows' ? answer.columns : [])));
    const unplaced = columns.filter((column) => column.table === 0);
    expect(unplaced.length / columns.length).toBeLessThan(0.05);
    expect(unplaced.filter((column) => /^(id|pk|\w+_id)$/.test(column.name)).length).toBeLessThan(20);
  });
});
