/**
 * The replies that are due, in order: every message that was forwarded or injected, and what to do with its answer
 * (protocol.md, PostgreSQL 9). One queue serves the client's traffic and the plans.
 */
import type { Execution } from './execution.ts';
import type { Command } from './batch.ts';
import type { Change, Portal, Prepared } from './prepared.ts';

/** copy-end is not a reply: the client ended its COPY data before the server's answer to COPY was seen. */
export type ExpectedKind =
  'startup' | 'query' | 'parse' | 'bind' | 'close' | 'describe' | 'execute' | 'call' | 'sync' | 'copy-end';

export interface Expected {
  kind: ExpectedKind;
  /** forward: the client's. skip: ours, the client must not see it. hold: ours in place of the client's, kept until the plan ends. */
  verb: 'forward' | 'skip' | 'hold';
  execution?: Execution | undefined;
  /** Of a Describe: where the columns belong. */
  describes?: Prepared | Portal | undefined;
  /** Of a Parse or Close that the server may skip: takes back what was noted. */
  undo?: Change | undefined;
  /** Of a plan: where its answers are collected. */
  command?: Command | undefined;
}

/** What the client's own message causes. All of one form: the queue is read with every reply. */
export function forwarded(
  kind: ExpectedKind,
  execution?: Execution,
  undo?: Change,
  describes?: Prepared | Portal,
): Expected {
  return { kind, verb: 'forward', execution, describes, undo, command: undefined };
}

/** Entries that know nothing more are shared; none is ever changed. */
export const plain = {
  bind: forwarded('bind'),
  close: forwarded('close'),
  copyEnd: forwarded('copy-end'),
  describe: forwarded('describe'),
  parse: forwarded('parse'),
  startup: forwarded('startup'),
  sync: forwarded('sync'),
} as const;

/** Places of replies that have come, at most, before they are given back. */
const mostPlaces = 64;

export class ReplyQueue {
  /** Those from `head` on are due; what lies in front is forgotten at once, and its places when all are. */
  private entries: (Expected | undefined)[] = [];
  private head = 0;
  private end = 0;
  /** Statements (query, execute) that have not been answered. */
  executions = 0;
  /** Replies that are not the client's. */
  ours = 0;

  get empty(): boolean {
    return this.peek() === undefined;
  }

  push(entry: Expected): void {
    if (entry.execution !== undefined) this.executions += 1;
    if (entry.verb !== 'forward') this.ours += 1;
    this.entries[this.end] = entry;
    this.end += 1;
  }

  peek(): Expected | undefined {
    while (this.entries[this.head]?.kind === 'copy-end') this.next();
    return this.entries[this.head];
  }

  shift(): Expected | undefined {
    return this.peek() === undefined ? undefined : this.next();
  }

  private next(): Expected | undefined {
    const entry = this.entries[this.head];
    this.entries[this.head] = undefined;
    this.head += 1;
    if (entry?.execution !== undefined) this.executions -= 1;
    if (entry !== undefined && entry.verb !== 'forward') this.ours -= 1;
    if (this.head === this.end || this.head >= mostPlaces) this.rewind();
    return entry;
  }

  /** To the front. A long array is given back, a short one used again. */
  private rewind(): void {
    const { head, end } = this;
    if (head < end || end >= mostPlaces) this.entries = this.entries.slice(head, end);
    this.end = end - head;
    this.head = 0;
  }

  /** After an error in the extended protocol the server skips to the next Sync. @returns whether that Sync is here already */
  dropToSync(): boolean {
    const dropped: Expected[] = [];
    for (let entry = this.peek(); entry !== undefined && entry.kind !== 'sync'; entry = this.peek()) {
      dropped.push(entry);
      this.shift();
    }
    // The newest first, so that each undo finds the state it left.
    for (const entry of dropped.reverse()) entry.undo?.undo();
    return !this.empty;
  }

  /**
   * COPY IN began: the server ignores a Sync that it reads before the end of the data (manual, "COPY Operations").
   * @returns whether the client has sent that end already
   */
  copyInBegan(): boolean {
    const behind = this.head + 1;
    const due = this.entries.slice(0, this.end);
    const found = due.findIndex((entry, index) => index >= behind && entry?.kind === 'copy-end');
    const end = found < 0 ? due.length : found;
    this.entries = due.filter(
      (entry, index) => index < behind || index > end || (index < end && entry?.kind !== 'sync'),
    );
    this.end = this.entries.length;
    return found >= 0;
  }
}
