/** Every found twin of MySQL and MariaDB once more with the real grammar as witness and proof. */
import { beforeAll, describe, expect, test } from 'vitest';
import { loadMysqlWitness } from '../../../src/sql/witness/mysql.ts';
import type { Witness } from '../../../src/sql/witness/types.ts';
import { planOf } from './scene.ts';
import { splitDeleteMysqlCases } from './split-delete.mysql.cases.ts';
import type { Story } from './stories.ts';
import { unlockedReadMysqlCases } from './unlocked-read.mysql.cases.ts';

describe.each(['mysql', 'mariadb'] as const)('%s: the real grammar agrees and proves', (dialect) => {
  let witness: Witness;
  beforeAll(() => {
    witness = loadMysqlWitness(dialect);
  });

  function planned({ steps, options }: Story) {
    return planOf(steps, { ...options, dialect, witness: options?.witness ?? witness });
  }

  test.each(splitDeleteMysqlCases)('split-delete, twin of $reason: $what', ({ found }) => {
    const { edited, reply } = planned(found);
    expect(reply).toBe('tag');
    expect(edited.text.toString('latin1')).toMatch(/DELETE (`c`|x) FROM .* WHERE |DELETE (`c`|x) FROM /);
  });

  test.each(unlockedReadMysqlCases)('unlocked read, twin of $reason: $what', ({ found }) => {
    const { edited, reply, probe } = planned(found);
    expect(reply).toBe('rows');
    expect(edited.text.toString('latin1')).toMatch(/SELECT .* FOR UPDATE( \/\*.*)?$/);
    if (probe === undefined) return;
    const locked = probe.locking(['7']);
    expect('text' in locked && locked.text.toString('latin1')).toMatch(
      / = (7|X'37') .*FOR UPDATE|= (7|X'37')/,
    );
  });
});
