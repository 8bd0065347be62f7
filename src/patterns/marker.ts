/** A comment in the rewritten SQL by which DBAs recognise it in the server's log and views. Step 7 of the flow. */
import type { PatternId } from './types.ts';

export function marked(text: Buffer, pattern: PatternId, marker: boolean): Buffer {
  return marker ? Buffer.concat([Buffer.from(`/* interlock:${pattern} */ `, 'latin1'), text]) : text;
}
