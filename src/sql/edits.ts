/**
 * Edits by span: text + edits -> text. Step 9 of the flow (bytes leave); the original bytes around an edit stay as they
 * are, SQL is never printed anew.
 */
import type { Span } from './shape.ts';

export interface Edit {
  span: Span;
  /** A string is latin1: one character, one byte. */
  text: Buffer | string;
}

/** `marker`, a rule's id, as a comment at `at`; DBAs see by it what Interlock has changed, and by which rule. */
export function markerEdit(at: number, marker: string | undefined): Edit[] {
  if (marker === undefined) return [];
  if (!/^[a-z0-9][a-z0-9/_-]*$/.test(marker))
    throw new RangeError('a marker is a rule id: a-z, 0-9, "-", "_" and "/"');
  return [{ span: { start: at, end: at }, text: `/* interlock:${marker} */ ` }];
}

/** Applies sorted, non-overlapping edits; throws RangeError on anything else, because that is a mistake in the caller. */
export function applyEdits(text: Buffer, edits: readonly Edit[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const edit of edits) {
    const { start, end } = edit.span;
    if (start < at || end < start || end > text.length)
      throw new RangeError('edits overlap or leave the text');
    parts.push(text.subarray(at, start));
    parts.push(typeof edit.text === 'string' ? Buffer.from(edit.text, 'latin1') : edit.text);
    at = end;
  }
  parts.push(text.subarray(at));
  return Buffer.concat(parts);
}
