/**
 * One circuit breaker a rule, shared by all sessions: a rule whose rewrites fail again and again only costs time and
 * round trips, so it observes for a while. Then one rewrite is tried (half-open), and its end decides. Names and numbers
 * only: no clock, no sockets. Grows with the rules of the configuration.
 */
export interface BreakerSettings {
  /** So many failures within the window open it. */
  failures: number;
  /** Milliseconds. */
  window: number;
  /** Milliseconds until a rewrite is tried again. */
  pause: number;
}

export const defaultBreaker: BreakerSettings = { failures: 5, window: 60_000, pause: 60_000 };

export type BreakerState = 'closed' | 'open' | 'half-open';

interface Circuit {
  /** When the last ones were, at most `failures` of them. */
  failures: number[];
  opened: number | undefined;
  /** A rewrite is being tried since. One that is never heard of again counts until another pause has gone by. */
  tried: number | undefined;
}

export class Breaker {
  private readonly settings: BreakerSettings;
  private readonly circuits = new Map<string, Circuit>();

  constructor(settings: BreakerSettings = defaultBreaker) {
    this.settings = settings;
  }

  /** Whether the rule may rewrite now. After the pause: true for one, who is the trial. @param now monotonic milliseconds */
  allows(rule: string, now: number): boolean {
    const circuit = this.circuit(rule);
    if (circuit.opened === undefined) return true;
    if (now - (circuit.tried ?? circuit.opened) < this.settings.pause) return false;
    circuit.tried = now;
    return true;
  }

  /** A rewrite failed where the original did not, or a defect was contained. @returns true: it opens now */
  failed(rule: string, now: number): boolean {
    const circuit = this.circuit(rule);
    const { failures, window } = this.settings;
    if (circuit.opened !== undefined) {
      // One that was under way when it opened.
      if (circuit.tried === undefined) return false;
    } else {
      circuit.failures = circuit.failures.filter((time) => now - time < window);
      circuit.failures.push(now);
      if (circuit.failures.length < failures) return false;
    }
    this.circuits.set(rule, { failures: [], opened: now, tried: undefined });
    return true;
  }

  /** A rewrite was executed. @returns true: it closes now */
  succeeded(rule: string): boolean {
    const circuit = this.circuits.get(rule);
    if (circuit?.tried === undefined) return false;
    this.circuits.set(rule, closed());
    return true;
  }

  /** Nothing was learnt after all: the next one may try. */
  undecided(rule: string): void {
    const circuit = this.circuits.get(rule);
    if (circuit !== undefined) circuit.tried = undefined;
  }

  /** The rules were exchanged: what is known of others is forgotten. */
  keep(rules: ReadonlySet<string>): void {
    for (const rule of this.circuits.keys()) if (!rules.has(rule)) this.circuits.delete(rule);
  }

  /** Of every rule that has had something to rewrite. */
  states(): Map<string, BreakerState> {
    return new Map([...this.circuits].map(([rule, circuit]) => [rule, state(circuit)]));
  }

  private circuit(rule: string): Circuit {
    let circuit = this.circuits.get(rule);
    if (circuit === undefined) this.circuits.set(rule, (circuit = closed()));
    return circuit;
  }
}

const closed = (): Circuit => ({ failures: [], opened: undefined, tried: undefined });

function state({ opened, tried }: Circuit): BreakerState {
  if (opened === undefined) return 'closed';
  return tried === undefined ? 'open' : 'half-open';
}
