/** Whatever the input is -> statements. The kind is told by its first lines. Pure. */
import type { Dialect } from '../sql/shape.ts';
import { guessDialect, plainLexer } from './dialect.ts';
import { isGeneralLog, readGeneralLog } from './mysql-log.ts';
import { isStderrLog, readCsvLog, readJsonLog, readStderrLog } from './postgres-log.ts';
import { readRecording } from './recording.ts';
import type { Transcript } from './said.ts';
import { UnreadableInput } from './said.ts';
import { readSqlFile } from './sql-file.ts';

export interface Input extends Transcript {
  format: string;
  dialect: Dialect;
}

const csvLog = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [^\s,]+,/;
const looked = 50;

/** @param chosen overrules what the input says of itself @throws UnreadableInput */
export function readInput(text: string, chosen?: Dialect): Input {
  if (text.includes('\0') || text.includes('\uFFFD')) throw new UnreadableInput('not a text in UTF-8');
  const input = readAny(text.replace(/^\uFEFF/, ''), chosen);
  if (input.said.length === 0) throw new UnreadableInput(`no statement was found (read as ${input.format})`);
  return input;
}

function readAny(text: string, chosen: Dialect | undefined): Input {
  const lines = text.split('\n', looked).filter((line) => line.trim() !== '');
  const first = lines[0] ?? '';
  const as = (format: string, read: Transcript): Input => ({
    ...read,
    format,
    dialect: chosen ?? read.dialect ?? 'postgres',
  });
  if (first.startsWith('{'))
    return /"error_severity":/.test(first)
      ? as('jsonlog of PostgreSQL', readJsonLog(text))
      : as('recording', readRecording(text));
  if (csvLog.test(first)) return as('csvlog of PostgreSQL', readCsvLog(text));
  if (lines.some(isGeneralLog)) return as('general log of MySQL or MariaDB', readGeneralLog(text));
  if (lines.some(isStderrLog)) return as('log of PostgreSQL', readStderrLog(text));
  const dialect = chosen ?? guessDialect(text);
  return { ...readSqlFile(text, plainLexer(dialect)), format: 'SQL', dialect };
}
