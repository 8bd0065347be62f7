/**
 * The replies that are due, in order: every message that was forwarded or injected, and what to do with its answer
 * (protocol.md, PostgreSQL 9). One queue serves the client's traffic and the plans.
 */
import type { Execution } from './execution.ts';
import type { Command } from './batch.ts';
import type { Portal, Prepared } from './prepared.ts';

/** copy-end is not a reply: the client ended its COPY data before the server's answer to COPY was seen. */
export type ExpectedKind =
  'startup' | 'query' | 'parse' | 'bind' | 'close' | 'describe' | 'execute' | 'call' | 'sync' | 'copy-end';

export interface Expected {
  kind: ExpectedKind;
  /** forward: the client's. skip: ours, the client must not see it. hold: ours in place of the client's, kept until the plan ends. */
  verb: 'forward' | 'skip' | 'hold';
  execution?: Execution;
  /** Of a Describe: where the columns belong. */
  describes?: Prepared | Portal;
  /** Of a Parse or Close that the server may skip: takes back what was noted. */
  undo?: () => void;
  /** Of a plan: where its answers are collected. */
  command?: Command;
}

export class ReplyQueue {
  private entries: Expected[] = [];
  private head = 0;
  /** Statements (query, execute) that have not been answered. */
  executions = 0;

  get empty(): boolean {
    return this.peek() === undefined;
  }

  push(entry: Expected): void {
    if (entry.execution !== undefined) this.executions += 1;
    this.entries.push(entry);
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
    this.head += 1;
    if (entry?.execution !== undefined) this.executions -= 1;
    if (this.head === this.entries.length) {
      this.entries.length = 0;
      this.head = 0;
    } else if (this.head >= 1024) {
      this.entries = this.entries.slice(this.head);
      this.head = 0;
    }
    return entry;
  }

  /** After an error in the extended protocol the server skips to the next Sync. @returns whether that Sync is here already */
  dropToSync(): boolean {
    const dropped: Expected[] = [];
    for (let entry = this.peek(); entry !== undefined && entry.kind !== 'sync'; entry = this.peek()) {
      dropped.push(entry);
      this.shift();
    }
    // The newest first, so that each undo finds the state it left.
    for (const entry of dropped.reverse()) entry.undo?.();
    return !this.empty;
  }

  /**
   * COPY IN began: the server ignores a Sync that it reads before the end of the data (manual, "COPY Operations").
   * @returns whether the client has sent that end already
   */
  copyInBegan(): boolean {
    const behind = this.head + 1;
    const found = this.entries.findIndex((entry, index) => index >= behind && entry.kind === 'copy-end');
    const end = found < 0 ? this.entries.length : found;
    this.entries = this.entries.filter(
      (entry, index) => index < behind || index > end || (index < end && entry.kind !== 'sync'),
    );
    return found >= 0;
  }
}
