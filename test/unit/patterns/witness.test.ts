/** Every found twin once more with the real grammar as witness and proof, and the text that comes out. */
import { beforeAll, describe, expect, test } from 'vitest';
import { loadWitness } from '../../../src/sql/witness/postgres.ts';
import type { Witness } from '../../../src/sql/witness/types.ts';
import { planOf } from './scene.ts';
import type { Story } from './stories.ts';
import { splitDeleteCases } from './split-delete.cases.ts';
import { unlockedReadCases } from './unlocked-read.cases.ts';

let witness: Witness;
beforeAll(async () => {
  witness = await loadWitness();
});

function planned({ steps, options }: Story) {
  return planOf(steps, { ...options, witness: options?.witness ?? witness });
}

describe('the real grammar agrees and proves', () => {
  test.each(splitDeleteCases)('split-delete, twin of $reason: $what', ({ found }) => {
    const { edited, reply } = planned(found);
    expect(reply).toBe('tag');
    expect(edited.text.toString('latin1')).toMatch(/DELETE FROM "c" WHERE .*IN \(SELECT /);
  });

  test.each(unlockedReadCases)('unlocked read, twin of $reason: $what', ({ found }) => {
    const { edited, reply } = planned(found);
    expect(reply).toBe('rows');
    expect(edited.text.toString('latin1')).toMatch(/SELECT .* FOR UPDATE( OF (x|"c"))?( -- .*)?( \/\*.*)?$/);
  });
});
