/**
 * Loads the cases. A case says what the app sends and the server answers (transcript.ts), and what becomes of it:
 *
 * rewritten   the text (or texts) that reach the server in place of the app's statement
 * unchanged   the reason for which everything of the app reaches the server as it was sent
 * passed_on   the SQLSTATE with which the rewritten statement fails and that goes to the client
 * refusals    further refusals that are reported on the way (earlier chunks)
 * plan        statements of the plan that must be among those that the server ran
 * twin        what to change so that the same sequence IS rewritten: `replace` … `by` in the transcript, another
 *             transcript, or other conditions. Every unchanged case has one.
 * only        protocols in which the case makes sense (default: all three)
 * the rest    conditions: settings of the rules, the server, the catalog, the witness
 */
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Mode } from '../../src/patterns/rule.ts';
import type { PatternId } from '../../src/patterns/types.ts';
import type { Reason } from '../../src/patterns/reasons.ts';
import type { SessionLimits } from '../../src/session/types.ts';
import { Catalog, type TableText } from '../streams/catalog.ts';
import type { Protocol } from './play.ts';

export interface Conditions {
  mode?: Mode;
  tables_named?: boolean;
  split_delete?: Record<string, unknown>;
  unlocked_read?: Record<string, unknown>;
  limits?: Partial<SessionLimits>;
  isolation?: string;
  read_only?: boolean;
  guard?: 'had' | 'never' | 'error';
  client_encoding?: string;
  standard_conforming_strings?: 'on' | 'off';
  facts?: 'answer' | 'error' | 'nonsense';
  target_resolves?: boolean;
  shadowed_functions?: boolean;
  chunks_safe?: boolean;
  ambiguous_constraints?: boolean;
  witness?: 'real' | 'disagrees' | 'proves-nothing';
  /** SQLSTATE with which the rewritten statement fails. */
  edited?: string;
}

export interface Case extends Conditions {
  name: string;
  transcript: string;
  rewritten?: string | string[];
  unchanged?: Reason;
  passed_on?: string;
  refusals?: Reason[];
  plan?: string;
  only?: Protocol[];
  twin?: Conditions & { transcript?: string; replace?: string; by?: string; refusals?: Reason[] };
}

const folder = new URL('./', import.meta.url);

/** The pattern anticipate changes no statement: see test/unit/patterns. */
export const mayRewrite = (pattern: PatternId): boolean => pattern !== 'anticipate';

/** All cases of one pattern: the files of the folder with its name. */
export function loadCases(pattern: PatternId): Case[] {
  const files = new URL(`${pattern}/`, folder);
  return readdirSync(files)
    .toSorted()
    .flatMap((file) => parse(readFileSync(new URL(file, files), 'utf8')) as Case[]);
}

export function caseCatalog(): Catalog {
  return new Catalog(
    parse(readFileSync(new URL('schema.yaml', folder), 'utf8')) as Record<string, TableText>,
  );
}

/** The case that differs from a refused one in what its twin says. */
export function twinOf(refused: Case): Case {
  const { twin, unchanged: _reason, ...rest } = refused;
  if (twin === undefined) throw new Error(`${refused.name}: no twin`);
  const { replace, by, ...others } = twin;
  const merged = { ...rest, ...others };
  if (replace === undefined) return merged;
  const transcript = refused.transcript.replaceAll(replace, () => by ?? '');
  if (transcript === refused.transcript) throw new Error(`${refused.name}: the twin's text does not occur`);
  return { ...merged, transcript };
}
