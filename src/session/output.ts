/**
 * What one call of the session hands back: step 9 of the flow. Untouched messages leave as views of the chunk they came
 * in, a run of neighbours as one view; nothing is copied that is not kept.
 */
import type { Actions, SessionEvent, StartTls } from './types.ts';

/** Joins neighbouring ranges of one buffer into one view; a whole buffer is its own. */
class Run {
  private buf: Buffer | undefined;
  private start = 0;
  private end = 0;
  private readonly target: Buffer[];

  constructor(target: Buffer[]) {
    this.target = target;
  }

  add(buf: Buffer, start: number, end: number): void {
    if (buf === this.buf && start === this.end) {
      this.end = end;
      return;
    }
    this.flush();
    this.buf = buf;
    this.start = start;
    this.end = end;
  }

  flush(): void {
    const { buf, start, end } = this;
    if (buf === undefined) return;
    if (end > start) this.target.push(start === 0 && end === buf.length ? buf : buf.subarray(start, end));
    this.buf = undefined;
  }
}

export class Output {
  /** Handed out by every call, and emptied by the first use after it: this is the hot path. */
  private readonly actions: Actions = {
    toServer: [],
    toClient: [],
    startTls: undefined,
    wakeAt: undefined,
    cancel: undefined,
    end: false,
    pauseClient: false,
    events: [],
  };
  private readonly server = new Run(this.actions.toServer);
  private readonly client = new Run(this.actions.toClient);

  toServer(buf: Buffer, start = 0, end = buf.length): void {
    this.server.add(buf, start, end);
  }

  toClient(buf: Buffer, start = 0, end = buf.length): void {
    this.client.add(buf, start, end);
  }

  event(event: SessionEvent): void {
    this.actions.events.push(event);
  }

  cancel(request: Buffer): void {
    this.actions.cancel = request;
  }

  startTls(handshake: StartTls): void {
    this.actions.startTls = handshake;
  }

  /** Of the present call. */
  get startsTls(): StartTls | undefined {
    return this.actions.startTls;
  }

  end(): void {
    this.actions.end = true;
  }

  get ending(): boolean {
    return this.actions.end;
  }

  /** Begins a call: what the one before handed over is gone. */
  begin(): void {
    const { actions } = this;
    empty(actions.toServer);
    empty(actions.toClient);
    empty(actions.events);
    actions.startTls = undefined;
    actions.cancel = undefined;
    actions.end = false;
  }

  /** Hands over everything since begin(). */
  take(wakeAt: number | undefined, pauseClient: boolean): Actions {
    this.server.flush();
    this.client.flush();
    this.actions.wakeAt = wakeAt;
    this.actions.pauseClient = pauseClient;
    return this.actions;
  }
}

/** pop() keeps the array's memory, where `length = 0` would give it back and the next push fetch it again. */
function empty(list: unknown[]): void {
  while (list.length > 0) list.pop();
}
