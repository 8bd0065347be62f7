/** Rules read anew: what counts as a change, what becomes of mistakes. Files are real, and exchanged as others do it. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConfigFiles } from '../../../src/config/files.ts';
import { loadFile } from '../../../src/config/load.ts';
import { Reload, type Loaded, type Reloaded } from '../../../src/config/reload.ts';

let folder: string;
let reload: Reload | undefined;
let told: Reloaded[];
let applied: Loaded[];

const at = (name: string): string => join(folder, name);
const write = (name: string, text: string): void => writeFileSync(at(name), text);
const config = (mode: string, more = ''): string => `
listeners: [{ name: main, listen: '127.0.0.1:6432', server: 'postgres://db' }]
rules: { mode: ${mode}, packs: [./own.yaml] }
${more}`;
const pack = (id: string, more = ''): string => `
pack: own
description: of this test
rules: [{ id: ${id}, pattern: split-delete, mode: observe${more} }]
`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'interlock-reload-'));
  told = [];
  applied = [];
  write('config.yaml', config('observe'));
  write('own.yaml', pack('one'));
});
afterEach(() => {
  reload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** @param read called whenever the files have been */
function start(file = 'config.yaml', read: () => void = () => undefined): Reload {
  const load = (files: ConfigFiles) => {
    const loaded = loadFile(at(file), {}, files);
    read();
    return loaded;
  };
  const files = new ConfigFiles();
  const first = { config: load(files), texts: files.texts };
  reload = new Reload({
    first,
    load,
    apply: (loaded) => applied.push(loaded),
    told: (outcome) => told.push(outcome),
  });
  return reload;
}

const ids = (): string[][] => applied.map(({ config: { rules } }) => rules.map(({ id }) => id));
const heard = (count: number): Promise<boolean> => vi.waitUntil(() => told.length >= count, 10_000);

describe('asked for', () => {
  test('new rules are applied, the same ones are not, and both are told', async () => {
    const rules = start();
    await rules.now();
    expect(told).toEqual([{ done: true, rules: 1, changed: false, needRestart: [] }]);
    expect(applied).toEqual([]);
    write('own.yaml', pack('two'));
    await rules.now();
    expect(told[1]).toEqual({ done: true, rules: 1, changed: true, needRestart: [] });
    expect(ids()).toEqual([['two']]);
  });

  test('mistakes have their place, nothing is applied, and what is mended counts again', async () => {
    const rules = start();
    write('own.yaml', pack('one', ', mod: rewrite'));
    await rules.now();
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ done: false, problems: [{ where: './own.yaml:4:58' }] });
    write('own.yaml', pack('one'));
    await rules.now();
    expect(told[1]).toMatchObject({ done: true, changed: false });
    rmSync(at('own.yaml'));
    await rules.now();
    expect(told[2]).toMatchObject({ done: false });
    expect(applied).toEqual([]);
  });

  test('an example that comes out otherwise is a mistake', async () => {
    const rules = start();
    const wrong = `, examples: [{ dialect: postgres, session: [BEGIN], becomes: x }]`;
    write('own.yaml', pack('one', wrong));
    await rules.now();
    expect(told[0]).toMatchObject({ done: false, problems: [{ where: './own.yaml:4:69' }] });
    expect(applied).toEqual([]);
  });

  test('what is read at start only is named, and the rules are applied all the same', async () => {
    const rules = start();
    write('config.yaml', config('off', 'limits: { connections: 7 }\nadmin: { listen: "127.0.0.1:1" }'));
    await rules.now();
    expect(told[0]).toEqual({ done: true, rules: 1, changed: true, needRestart: ['limits', 'admin'] });
    expect(applied[0]?.config.rules[0]?.mode).toBe('off');
  });

  test('one after the other, in the order of the calls', async () => {
    const rules = start();
    write('own.yaml', pack('two'));
    await Promise.all([rules.now(), rules.now()]);
    expect(told).toMatchObject([{ changed: true }, { changed: false }]);
  });
});

describe('watched', () => {
  /** `..data` is a link to a folder, the file a link through it: as Kubernetes mounts a ConfigMap. */
  function mount(text: string, version: string): void {
    mkdirSync(at(version));
    write(`${version}/config.yaml`, text);
    write(`${version}/own.yaml`, pack('one'));
    symlinkSync(version, at('..data_tmp'));
    renameSync(at('..data_tmp'), at('..data'));
  }

  test('a ConfigMap is exchanged: the link in the middle of the path is replaced', async () => {
    rmSync(at('config.yaml'));
    rmSync(at('own.yaml'));
    mount(config('observe'), 'v1');
    for (const name of ['config.yaml', 'own.yaml']) symlinkSync(`..data/${name}`, at(name));
    start().watch(20);
    mount(config('rewrite'), 'v2');
    await heard(1);
    expect(applied.map(({ config: { rules } }) => rules[0]?.mode)).toEqual(['rewrite']);
    rmSync(at('v1'), { recursive: true });
  });

  test('a whole folder is exchanged, as deployments by link do it', async () => {
    mkdirSync(at('release-1'));
    mkdirSync(at('release-2'));
    for (const [release, mode] of [
      ['release-1', 'observe'],
      ['release-2', 'off'],
    ]) {
      write(`${release}/config.yaml`, config(mode ?? ''));
      write(`${release}/own.yaml`, pack('one'));
    }
    symlinkSync('release-1', at('current'));
    start('current/config.yaml').watch(20);
    symlinkSync('release-2', at('next'));
    renameSync(at('next'), at('current'));
    await heard(1);
    expect(applied.map(({ config: { rules } }) => rules[0]?.mode)).toEqual(['off']);
  });

  test('a broken file is told once and mended; a touch is nothing; a pack that is gone may come back', async () => {
    start().watch(20);
    write('config.yaml', config('rewite'));
    await heard(1);
    expect(told[0]).toMatchObject({ done: false });
    utimesSync(at('own.yaml'), new Date(), new Date(Date.now() + 60_000));
    write('config.yaml', config('rewrite'));
    await heard(2);
    expect(told[1]).toMatchObject({ done: true, changed: true });
    rmSync(at('own.yaml'));
    await heard(3);
    expect(told[2]).toMatchObject({ done: false });
    write('own.yaml', pack('two'));
    await heard(4);
    expect(ids()).toEqual([['one'], ['two']]);
    expect(told).toHaveLength(4);
  });

  test('what changed between the start and the watch is seen', async () => {
    const rules = start();
    write('own.yaml', pack('two'));
    rules.watch(20);
    await heard(1);
    expect(ids()).toEqual([['two']]);
  });

  test('so is what changed in a new file before it was watched', async () => {
    let late = () => undefined as unknown;
    const rules = start('config.yaml', () => late());
    rules.watch(20);
    write('more.yaml', pack('two'));
    late = () => {
      if (told.length > 0) return;
      write('more.yaml', pack('three'));
    };
    write('config.yaml', config('observe').replace('[./own.yaml]', '[./own.yaml, ./more.yaml]'));
    await heard(2);
    expect(ids()).toEqual([
      ['one', 'two'],
      ['one', 'three'],
    ]);
  });
});
