/** What may be said of a defect: its kind and where it happened. Never its message, which may quote a statement. */

/** The innermost places are enough to find it. */
const mostFrames = 3;

/** @returns `TypeError at detect (…/detect.js:9:1) < decide (…)`; of what is no Error: its type */
export function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return `a thrown ${typeof error}`;
  const { name, message, stack = '' } = error;
  // The message stands in front of the frames, and may look like one.
  const at = stack.indexOf(message);
  const frames = stack
    .slice(at < 0 ? 0 : at + message.length)
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, mostFrames)
    .map((line) =>
      line
        .trim()
        .replace(/^at /, '')
        .replace(/(file:\/\/)?\/\S*\/(?=(src|dist|node_modules)\/)/, ''),
    );
  return frames.length === 0 ? name : `${name} at ${frames.join(' < ')}`;
}
