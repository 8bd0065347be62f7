/** Comma-separated values as PostgreSQL's csvlog writes them: fields in double quotes may hold commas, quotes (doubled) and lines. Pure. */
import { UnreadableInput } from './said.ts';

export interface Record {
  /** 1-based line at which it begins. */
  line: number;
  fields: string[];
}

const field = /"((?:[^"]|"")*)"|([^",\n]*)/y;

export function readCsv(text: string): Record[] {
  const records: Record[] = [];
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const record: Record = { line, fields: [] };
    for (;;) {
      field.lastIndex = at;
      const found = field.exec(text);
      if (found === null) throw new UnreadableInput(`line ${line}: a quote is not closed`);
      at = field.lastIndex;
      record.fields.push(found[1]?.replaceAll('""', '"') ?? found[2]?.replace(/\r$/, '') ?? '');
      line += found[0].split('\n').length - 1;
      if (text[at] === '\r') at++;
      if (text[at] !== ',') break;
      at++;
    }
    if (at < text.length && text[at] !== '\n')
      throw new UnreadableInput(`line ${line}: text behind a quoted field`);
    at++;
    line++;
    if (record.fields.length > 1) records.push(record);
  }
  return records;
}
