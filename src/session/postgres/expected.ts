/**
 * The replies that are due, in order: every message that was forwarded or injected, and what to do with its answer
 * (protocol.md, PostgreSQL 9). One queue serves the client's traffic and the plans.
 */
import type { Execution } from './execution.ts';
import type { Command } from './batch.ts';
import type { Portal, Prepared } from './prepared.ts';

export type ExpectedKind =
  'startup' | 'query' | 'parse' | 'bind' | 'close' | 'describe' | 'execute' | 'call' | 'sync';

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
    return this.head === this.entries.length;
  }

  push(entry: Expected): void {
    if (entry.execution !== undefined) this.executions += 1;
    this.entries.push(entry);
  }

  peek(): Expected | undefined {
    return this.entries[this.head];
  }

  shift(): Expected | undefined {
    const entry = this.entries[this.head];
    if (entry === undefined) return undefined;
    this.head += 1;
    if (entry.execution !== undefined) this.executions -= 1;
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

  /** COPY IN began: the server ignores a Sync that it reads now (manual, "COPY Operations"). */
  dropSyncsBehindHead(): void {
    const rest = this.entries.slice(this.head + 1).filter((entry) => entry.kind !== 'sync');
    const first = this.entries[this.head];
    this.entries = first === undefined ? rest : [first, ...rest];
    this.head = 0;
  }
}
