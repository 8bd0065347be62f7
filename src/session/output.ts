/**
 * What one call of the session hands back: step 9 of the flow. Untouched messages leave as views of the chunk they came
 * in, a run of neighbours as one view; nothing is copied that is not kept.
 */
import type { Actions, SessionEvent, StartTls } from './types.ts';

/** Joins neighbouring ranges of one buffer into one view. */
class Run {
  private buf: Buffer | undefined;
  private start = 0;
  private end = 0;
  private target: Buffer[];

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
    if (this.buf === undefined) return;
    if (this.end > this.start) this.target.push(this.buf.subarray(this.start, this.end));
    this.buf = undefined;
  }

  reset(target: Buffer[]): void {
    this.buf = undefined;
    this.target = target;
  }
}

export class Output {
  private actions: Actions = emptyActions();
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

  /** Hands over everything since the last call. */
  take(wakeAt: number | undefined, pauseClient: boolean): Actions {
    this.server.flush();
    this.client.flush();
    const taken = this.actions;
    taken.wakeAt = wakeAt;
    taken.pauseClient = pauseClient;
    this.actions = emptyActions();
    this.server.reset(this.actions.toServer);
    this.client.reset(this.actions.toClient);
    return taken;
  }
}

function emptyActions(): Actions {
  return {
    toServer: [],
    toClient: [],
    startTls: undefined,
    wakeAt: undefined,
    cancel: undefined,
    end: false,
    pauseClient: false,
    events: [],
  };
}
