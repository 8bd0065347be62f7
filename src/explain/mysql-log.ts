/**
 * The general query log of MySQL and MariaDB -> statements. It has statements with their parameters filled in, and neither
 * results nor errors. Pure.
 *
 *     2026-11-25T04:15:06.123456Z	    8 Query	SELECT 1        MySQL
 *     251125  4:15:06	     8 Query	SELECT 1                MariaDB, the time only where it has changed
 */
import type { Said, Transcript } from './said.ts';

const entry =
  /^(?:\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)|\d{6} {1,2}\d{1,2}:\d\d:\d\d)?[ \t]+(\d+) (Query|Execute|Prepare|Connect|Quit|Init DB|Close stmt|Reset stmt|Long Data|Field List|Statistics|Ping|Change user|Set option|Fetch|Reset connection)\t?(.*)$/;
const header = /^(?:\S+, Version: |Tcp port: |Time\s+Id\s+Command)/;

export function isGeneralLog(line: string): boolean {
  return header.test(line) || entry.test(line);
}

export function readGeneralLog(text: string): Transcript {
  const said: Said[] = [];
  let open: Said | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [, session = '', command = '', argument = ''] = entry.exec(line) ?? [];
    if (session === '') {
      if (header.test(line)) open = undefined;
      else if (open !== undefined && line !== '') open.sql += `\n${line}`;
      continue;
    }
    open = undefined;
    if (command !== 'Query' && command !== 'Execute') continue;
    open = { session, line: index + 1, sql: argument, answer: { kind: 'unknown' } };
    said.push(open);
  }
  const mariadb = /^\S+, Version: [^\n]*MariaDB/m.test(text.slice(0, 4096)) || /^\d{6} {1,2}\d/m.test(text);
  return { said, dialect: mariadb ? 'mariadb' : 'mysql', lacks: 'results and errors' };
}
