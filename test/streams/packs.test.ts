/**
 * What each pack does with what its own ORM was recorded to send, on tables that are named: packs.txt, read through against
 * docs/orms. A change there is a change of behaviour. `npx vitest run test/streams/packs -u` writes it anew.
 */
import { expect, it } from 'vitest';
import { loadText } from '../../src/config/load.ts';
import { explain } from '../../src/explain/explain.ts';
import { readRecording } from '../../src/explain/recording.ts';
import { loadWitnesses } from '../../src/sql/witness/load.ts';
import { allCaptures } from './captures.ts';
import { allCaptures as allMysqlCaptures } from './mysql/captures.ts';
import { anybody } from './session.ts';

const witness = await loadWitnesses(['postgres', 'mysql']);
const packs: Record<string, string> = {
  django: 'django',
  activerecord: 'rails',
  'laravel-eloquent': 'laravel',
  sequelize: 'sequelize',
  typeorm: 'typeorm',
  prisma: 'prisma',
};

const ruleSets = new Map(
  Object.values(packs).map((pack) => {
    const text = `listeners: [{name: a, listen: "127.0.0.1:1", server: "postgres://db"}]\nrules: {packs: [${pack}], tables: ['*']}\n`;
    return [pack, loadText('f.yaml', text, {}).ruleSet.forSession(anybody)];
  }),
);

it('rewrites what its page says, in the versions that it names', async () => {
  const found = new Map<string, Set<string>>();
  for (const capture of [...allCaptures(), ...allMysqlCaptures()]) {
    const transcript = readRecording(JSON.stringify(capture));
    const { dialect = 'postgres' } = transcript;
    const pack = packs[capture.orm];
    const rules = ruleSets.get(pack ?? '');
    if (rules === undefined) throw new Error(`no pack for ${capture.orm}`);
    const committed = pack === 'django' && Number.parseInt(capture.version, 10) >= 2;
    const statements = explain(transcript, {
      dialect,
      witness: witness(dialect),
      rules,
      ...(committed && { isolation: 'read committed' }),
    });
    for (const { finding } of statements) {
      if (finding?.decision !== 'rewritten') continue;
      const name = `${finding.rule}  ${dialect === 'postgres' ? 'PostgreSQL' : 'MariaDB'}  ${capture.scenario}`;
      const version = /^\d+(?:\.\d+)*/.exec(capture.version)?.[0] ?? '';
      found.set(name, (found.get(name) ?? new Set()).add(version));
    }
  }
  const lines = [...found].map(([name, versions]) => `${name}   (${[...versions].join(', ')})`).toSorted();
  for (const pack of Object.values(packs))
    expect(
      lines.some((line) => line.startsWith(`${pack}/`)),
      pack,
    ).toBe(true);
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('packs.txt');
}, 60_000);
