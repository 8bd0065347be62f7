/** The replies that are due, in order: one entry per command that was sent and has an answer. */
import type { ReplyShape } from '../../wire/mysql/commands.ts';
import type { Login } from '../../wire/mysql/handshake-response.ts';
import type { MysqlExecution } from './execution.ts';
import type { Prepared } from './prepared.ts';
import type { Request } from './request.ts';

export interface Expected {
  shape: ReplyShape;
  /** forward: the client's. skip: ours, the client must not see it. hold: ours in place of the client's, kept until the plan ends. */
  verb: 'forward' | 'skip' | 'hold';
  execution?: MysqlExecution;
  /** Of a COM_STMT_PREPARE: what its answer completes. */
  prepares?: Prepared;
  /** The session starts anew when this is answered. */
  resets?: boolean;
  /** Of a COM_CHANGE_USER: who it is then. */
  login?: Pick<Login, 'user' | 'database' | 'collation' | 'plugin'>;
  /** Of a plan: where its answers are collected. */
  request?: Request;
}

export class ExpectedQueue {
  private entries: Expected[] = [];
  private head = 0;
  /** Statements that have not been answered. */
  executions = 0;
  /** Replies that are not the client's. */
  ours = 0;

  /** Replies that the client waits for. */
  get theirs(): number {
    return this.entries.length - this.head - this.ours;
  }

  get empty(): boolean {
    return this.head === this.entries.length;
  }

  push(entry: Expected): void {
    if (entry.execution !== undefined) this.executions += 1;
    if (entry.verb !== 'forward') this.ours += 1;
    this.entries.push(entry);
  }

  peek(): Expected | undefined {
    return this.entries[this.head];
  }

  shift(): void {
    const entry = this.entries[this.head];
    if (entry === undefined) return;
    if (entry.execution !== undefined) this.executions -= 1;
    if (entry.verb !== 'forward') this.ours -= 1;
    this.head += 1;
    if (this.head === this.entries.length) {
      this.entries.length = 0;
      this.head = 0;
    } else if (this.head >= 1024) {
      this.entries = this.entries.slice(this.head);
      this.head = 0;
    }
  }
}
