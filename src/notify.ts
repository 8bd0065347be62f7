/**
 * Tells systemd what the process is doing (sd_notify(3), unit Type=notify). Node has no datagram sockets of the Unix family, so
 * the program systemd-notify does it, which is wherever systemd is; the unit needs NotifyAccess=all for that.
 */
import { spawn } from 'node:child_process';

/** Not told by systemd where to send it: there is nobody to tell. */
const wanted = (process.env.NOTIFY_SOCKET ?? '') !== '';

export class Supervisor {
  readonly #complain: (problem: string) => void;
  /** One after the other: systemd takes them in this order. */
  #last: Promise<void> = Promise.resolve();

  constructor(complain: (problem: string) => void) {
    this.#complain = complain;
  }

  ready(): void {
    this.#tell('READY=1');
  }

  /** To be followed by ready(). */
  reloading(): void {
    // CLOCK_MONOTONIC, by which systemd 253 and later tells this reload from the one before.
    this.#tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  }

  stopping(): void {
    this.#tell('STOPPING=1');
  }

  #tell(...variables: string[]): void {
    if (wanted) this.#last = this.#last.then(() => this.#send(variables));
  }

  #send(variables: string[]): Promise<void> {
    return new Promise((resolve) => {
      const child = spawn('systemd-notify', [`--pid=${process.pid}`, ...variables], { stdio: 'ignore' });
      const failed = (how: string): void => this.#complain(`systemd-notify ${variables.join(' ')}: ${how}`);
      child.once('error', (error) => {
        failed(error.message);
        resolve();
      });
      child.once('exit', (code, signal) => {
        if (code !== 0) failed(`ended with ${code ?? signal}`);
        resolve();
      });
    });
  }
}
