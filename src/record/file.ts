/** The file of a recording: made anew, readable by its owner only, at most so many bytes. */
import { createHmac, randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { Recorder } from './recorder.ts';
import { raw, redaction } from './redact.ts';

export interface RecordOptions {
  file: string;
  maxBytes: number;
  /** Leave literals, parameters and values of keys in it. */
  raw: boolean;
  /** Called once, when the file has its size or cannot be written: nothing more is recorded, traffic goes on. */
  full: (why: string) => void;
}

/** @throws where the file exists or cannot be made */
export function recordTo({ file, maxBytes, raw: plain, full }: RecordOptions): Recorder {
  const fd = openSync(file, 'wx', 0o600);
  let left = maxBytes;
  const stop = (why: string): void => {
    left = 0;
    closeSync(fd);
    full(why);
  };
  // The key is nowhere kept: what a placeholder stands for cannot be found by trying values out.
  const key = randomBytes(32);
  const hash = (text: string): string => createHmac('sha256', key).update(text, 'latin1').digest('hex');
  return new Recorder(plain ? raw : redaction(hash), (line) => {
    if (left === 0) return;
    const bytes = Buffer.byteLength(line);
    if (bytes > left) return stop(`${maxBytes} bytes are recorded`);
    try {
      // A line leaves at once and whole: what was recorded survives a crash.
      writeSync(fd, line);
      left -= bytes;
    } catch (error) {
      stop((error as NodeJS.ErrnoException).code ?? 'error');
    }
  });
}
