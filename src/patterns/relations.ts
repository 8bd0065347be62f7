/** What both patterns demand of the tables they touch, once the catalog has spoken. Step 7 of the flow. */
import type { Facts } from '../facts/types.ts';
import type { Reason } from './reasons.ts';

/** Ordinary tables only, without inheritance, rules or row-level security; no function hidden by one of the app's own. */
export function refusedRelations(facts: Facts): Reason | undefined {
  if (facts.unresolved) return 'catalog';
  if (!facts.targetResolves) return 'target-mismatch';
  const all = [facts.target, ...facts.relations];
  if (all.some((relation) => relation.kind !== 'r' || relation.inheritance || relation.rules))
    return 'relation-kind';
  if (all.some((relation) => relation.rowSecurity)) return 'row-security';
  return facts.shadowedFunctions ? 'volatile-function' : undefined;
}
