/** A recorded or written conversation through framer and tracker, as a list of words: the form the tests compare. */
import { agreed, type Capabilities } from '../../../../src/wire/mysql/capabilities.ts';
import { replyShape, type ReplyShape } from '../../../../src/wire/mysql/commands.ts';
import { Framer, Head, Message, None, Piece } from '../../../../src/wire/mysql/framer.ts';
import { readGreeting } from '../../../../src/wire/mysql/greeting.ts';
import { readHandshakeResponse } from '../../../../src/wire/mysql/handshake-response.ts';
import * as replies from '../../../../src/wire/mysql/replies.ts';
import type { Recording, Turn } from './recording.ts';
import { messages } from './support.ts';

const words: Record<replies.Part, string> = {
  [replies.Unexpected]: 'unexpected',
  [replies.Ok]: 'ok',
  [replies.Err]: 'err',
  [replies.ColumnCount]: 'count',
  [replies.ColumnDefinition]: 'column',
  [replies.EndOfColumns]: 'end-of-columns',
  [replies.Row]: 'row',
  [replies.EndOfRows]: 'end-of-rows',
  [replies.LocalInfile]: 'local-infile',
  [replies.Prepared]: 'prepared',
  [replies.ParameterDefinition]: 'parameter',
  [replies.EndOfParameters]: 'end-of-parameters',
  [replies.Text]: 'text',
  [replies.Authentication]: 'authentication',
};

/** One reply after another through one framer and one tracker. */
export class Listener {
  readonly tracker: replies.ReplyTracker;
  /** Called with every message that is not a streamed row. */
  onPacket: (part: replies.Part, buf: Buffer, start: number, end: number) => void = () => undefined;
  private readonly framer = new Framer(100_000_000);
  private due: ReplyShape[] = [];
  private heard: string[] = [];

  constructor(capabilities?: Capabilities) {
    this.tracker = new replies.ReplyTracker(capabilities);
  }

  expect(...shapes: ReplyShape[]): void {
    this.due.push(...shapes);
  }

  /** @returns the words heard since the last call, runs of the same word as `row*3`, then `…` if more is due */
  hear(chunks: Buffer[], streamRows = false): string {
    for (const chunk of chunks) this.chunk(Buffer.from(chunk), streamRows);
    const runs: [string, number][] = [];
    for (const word of this.heard) {
      const last = runs.at(-1);
      if (last?.[0] === word) last[1] += 1;
      else runs.push([word, 1]);
    }
    this.heard = [];
    const text = runs.map(([word, times]) => (times === 1 ? word : `${word}*${times}`));
    if (!this.tracker.done || this.due.length > 0) text.push('…');
    return text.join(' ');
  }

  private chunk(chunk: Buffer, streamRows: boolean): void {
    const { framer, tracker } = this;
    framer.push(chunk);
    for (let step = framer.next(); step !== None; step = framer.next()) {
      const next = this.due[0];
      if (tracker.done && next !== undefined) {
        this.due.shift();
        tracker.begin(next);
      }
      if (step === Head) {
        if (streamRows && tracker.isRow(framer.type, framer.length)) framer.stream();
        else framer.hold();
      } else if (step === Piece) {
        if (framer.first) this.heard.push('row');
      } else if (step === Message) this.packet();
    }
    chunk.fill(0xee);
  }

  private packet(): void {
    const { tracker } = this;
    const { type, buf, start, end } = this.framer;
    const part = tracker.packet(type, buf, start, end);
    this.onPacket(part, buf, start, end);
    let word = words[part];
    if (part === replies.ColumnCount && !tracker.definitionsFollow) word += '(omitted)';
    if (tracker.statusSent && tracker.cursor) word += '(cursor)';
    this.heard.push(word);
  }
}

export function capabilitiesOf(recording: Recording): Capabilities {
  const [greeting, login] = [
    bytesOf(recording, 'greeting', 'server'),
    bytesOf(recording, 'log-in', 'client'),
  ];
  const response = readHandshakeResponse(login, 0, login.length);
  return agreed(readGreeting(greeting, 0, greeting.length).capabilities, response.capabilities);
}

export function bytesOf(recording: Recording, name: string, side: 'client' | 'server'): Buffer {
  const found = recording.turns.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no turn ${name}`);
  return Buffer.from(found[side], 'base64');
}

/** What the client's packets of a turn are answered with; those that go on with an exchange begin nothing. */
export function shapesOf(turn: Turn): ReplyShape[] {
  if (turn.name === 'log-in') return ['authentication'];
  if (turn.name === 'file' || turn.name.endsWith('second answer')) return [];
  return messages([Buffer.from(turn.client, 'base64')])
    .map(({ type }) => replyShape(type) ?? (type === 0x50 ? 'ok' : 'raw'))
    .filter((shape) => shape !== 'none');
}
