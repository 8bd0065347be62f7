/**
 * MySQL, MariaDB: constants that are written as bytes (manual 11.1.4): X'0a', 0x0a, _binary 'a'. Step 4 of the flow.
 * In a numeric context the first two are numbers, so that a reader has to know the column: see `cast` in shape.ts.
 */
import { flavour, T } from './tokens.ts';
import type { Tokens } from './tokens.ts';

/** The bytes, latin1-decoded, of the X'…' or 0x… at token i; undefined when it is none, or has half a byte. */
export function hexBytes(tokens: Tokens, i: number): string | undefined {
  const kind = tokens.kind[i];
  if (kind !== T.Number && !(kind === T.String && tokens.detail[i] === flavour.bits)) return undefined;
  const digits = /^(?:0x((?:[0-9a-fA-F]{2})+)|[xX]'((?:[0-9a-fA-F]{2})*)')$/.exec(tokens.raw(i));
  const hex = digits?.[1] ?? digits?.[2];
  return hex === undefined ? undefined : Buffer.from(hex, 'hex').toString('latin1');
}

/** Token i is the introducer of a byte string; the string follows. */
export function isBinaryIntroducer(tokens: Tokens, i: number): boolean {
  return (
    tokens.kind[i] === T.Word &&
    (tokens.end[i] as number) - (tokens.start[i] as number) === '_binary'.length &&
    tokens.kind[i + 1] === T.String &&
    tokens.raw(i).toLowerCase() === '_binary'
  );
}
