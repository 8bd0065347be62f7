/** What an operator has: a config file, the command line, /metrics and /findings. Nothing else is used to go on. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startInterlockProcess, type InterlockProcess } from '../../src/demo/interlock-process.ts';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** Counters since the last time that somebody asked. */
export interface Since {
  /** By kind. */
  evidence: Record<string, number>;
  /** Findings that were looked around. */
  asked: number;
  /** `rewritten`, `observed` … */
  decisions: Record<string, number>;
}

export class Operator {
  private readonly folder = mkdtempSync(join(tmpdir(), 'interlock-journey-'));
  private readonly file = join(this.folder, 'config.yaml');
  private interlock: InterlockProcess | undefined;
  private before: Record<string, number> = {};

  /** The rules in force from here on: checked, written, and read by the running proxy. */
  async use(config: string): Promise<void> {
    writeFileSync(this.file, config);
    const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'check', '-c', this.file], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`interlock check: ${stdout}${stderr}`);
    if (this.interlock === undefined) {
      this.interlock = await startInterlockProcess({ cli, args: ['-c', this.file], admin: true });
      return;
    }
    this.interlock.signal('SIGHUP');
    const name = 'interlock_rules_reloads_total{outcome="done"}';
    const done = this.before[name] ?? 0;
    for (const deadline = Date.now() + 10_000; ; await delay(10)) {
      this.before = await this.interlock.metrics();
      if ((this.before[name] ?? 0) > done) return;
      if (Date.now() > deadline) throw new Error('the rules were not read anew');
    }
  }

  /** Where the application connects. */
  get port(): number {
    return this.running.port;
  }

  async since(rule: string): Promise<Since> {
    const now = await this.running.metrics();
    const grown = (form: RegExp): Record<string, number> => {
      const found: Record<string, number> = {};
      for (const [name, value] of Object.entries(now)) {
        const label = form.exec(name)?.[1];
        if (label === undefined) continue;
        found[label] = (found[label] ?? 0) + value - (this.before[name] ?? 0);
      }
      return found;
    };
    const since = {
      evidence: grown(new RegExp(`^interlock_evidence_total\\{rule="${rule}",kind="([^"]+)"`)),
      asked:
        grown(new RegExp(`^interlock_evidence_looks_total\\{rule="${rule}",outcome="(asked)"`)).asked ?? 0,
      decisions: grown(new RegExp(`^interlock_findings_total\\{.*rule="${rule}",decision="([^"]+)"`)),
    };
    this.before = now;
    return since;
  }

  async findings(): Promise<Record<string, unknown>[]> {
    const response = await fetch(`http://127.0.0.1:${this.running.adminPort}/findings`);
    return ((await response.json()) as { findings: Record<string, unknown>[] }).findings;
  }

  async end(): Promise<void> {
    await this.interlock?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get running(): InterlockProcess {
    if (this.interlock === undefined) throw new Error('no rules are in force yet');
    return this.interlock;
  }
}
