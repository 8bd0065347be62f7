/**
 * The fault rig over sockets: recorded conversations of both protocols, plans included, on networks that delay, cut, stall
 * and break off anywhere. No case hangs, crashes, or gives a client what the direct connection would not have given.
 */
import { describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.ts';
import { play, type Leg, type Plan, type Result } from './rig.ts';
import { largeScene, scenes, type Scene } from './scenes.ts';
import { verdict } from './verdict.ts';

const long = process.env['INTERLOCK_TEST_LONG'] === '1';
const cases = long ? 2_000 : 300;
const largeCases = long ? 200 : 6;
const patient = long ? 3_600_000 : 300_000;

const bytesOf = (scene: Scene, side: 'client' | 'server'): number =>
  side === 'server' ? scene.reply.length : scene.flights.reduce((sum, { bytes }) => sum + bytes.length, 0);

function leg(random: Random, scene: Scene, side: 'client' | 'server'): Leg {
  const [sends, gets] =
    side === 'client'
      ? [bytesOf(scene, 'client'), bytesOf(scene, 'server')]
      : [bytesOf(scene, 'server'), bytesOf(scene, 'client')];
  const chunk = random.pick(scene === largeScene ? [10_000, 100_000, 10_000_000] : [1, 3, 20, 300, 100_000]);
  return {
    chunk,
    // A turn for every byte takes its time without adding anything.
    delay: chunk < 20 ? random.below(2) : random.pick([0, 0, 1, 4]),
    end: random.chance(3) ? { at: random.below(sends), how: random.chance(2) ? 'fin' : 'rst' } : undefined,
    stall: random.chance(3)
      ? {
          at: random.below(gets),
          turns: 1 + random.below(30),
          often: scene === largeScene && random.chance(2),
        }
      : undefined,
  };
}

interface Played {
  scene: Scene;
  plan: Plan;
  result: Result;
  wrong: string | undefined;
}

async function playAll(count: number, sceneOf: (random: Random) => Scene, together = 16): Promise<Played[]> {
  const played: Played[] = [];
  let next = 0;
  const one = async (): Promise<void> => {
    for (let seed = next++; seed < count; seed = next++) {
      const random = new Random(seed);
      const scene = sceneOf(random);
      const plan = { client: leg(random, scene, 'client'), server: leg(random, scene, 'server') };
      const result = await play(scene, plan, random);
      played.push({ scene, plan, result, wrong: verdict(scene, result) });
    }
  };
  await Promise.all(Array.from({ length: together }, one));
  return played;
}

const wrongOnes = (played: Played[]): string[] =>
  played.flatMap(({ scene, plan, wrong }) =>
    wrong === undefined ? [] : [`${scene.label}: ${wrong}, ${JSON.stringify(plan)}`],
  );

describe('broken networks', () => {
  it(
    'every conversation is whole on a network that only cuts',
    async () => {
      const slow: Leg = { chunk: 60, delay: 1, end: undefined, stall: undefined };
      const results = await Promise.all(
        scenes.map((scene) => play(scene, { client: slow, server: slow }, new Random(1))),
      );
      for (const [at, scene] of scenes.entries()) {
        const result = results[at] as Result;
        expect(verdict(scene, result), scene.label).toBeUndefined();
        expect(result.toClient.equals(scene.reply), scene.label).toBe(true);
      }
    },
    patient,
  );

  it(
    `${cases} cases: delays, cuts, FIN and RST at any byte, slow readers, on either leg`,
    async () => {
      const played = await playAll(cases, (random) => random.pick(scenes));
      expect(wrongOnes(played)).toEqual([]);
      // The cases are what they are made to be: broken off and not.
      const broken = played.filter(({ result }) => result.brokenOff);
      expect(broken.length).toBeGreaterThan(cases / 10);
      expect(played.length - broken.length).toBeGreaterThan(cases / 10);
    },
    patient,
  );

  it('a server that goes before its greeting is whole: the client is told, in its protocol', async () => {
    const scene = scenes.find(({ wire }) => wire === 'mysql') as Scene;
    const quiet: Leg = { chunk: 100_000, delay: 0, end: undefined, stall: undefined };
    const plan: Plan = { client: quiet, server: { ...quiet, end: { at: 10, how: 'rst' } } };
    const result = await play(scene, plan, new Random(1));
    expect(verdict(scene, result)).toBeUndefined();
    expect(result.refused).toEqual(['08001']);
    expect(result.toClient.length).toBeGreaterThan(0);
  });

  it.each([1_000_000, 6_000_000, 11_999_999])(
    'what the server sent before it went arrives, however late the client reads it: %i bytes',
    async (at) => {
      const quiet: Leg = { chunk: 100_000, delay: 0, end: undefined, stall: undefined };
      const plan = {
        client: { ...quiet, stall: { at: 100_000, turns: 20, often: true } },
        server: { ...quiet, end: { at, how: 'fin' } },
      } as const;
      const result = await play(largeScene, plan, new Random(1));
      expect(verdict(largeScene, result)).toBeUndefined();
      expect(result.serverFin).toBe(at);
    },
    patient,
  );

  it(
    `${largeCases} cases with more bytes than all buffers hold`,
    async () => {
      expect(wrongOnes(await playAll(largeCases, () => largeScene, 3))).toEqual([]);
    },
    patient,
  );
});
