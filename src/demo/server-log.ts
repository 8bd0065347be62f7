/**
 * Reads the statements out of a PostgreSQL log written with log_statement = all and the log_line_prefix of engine.ts: what
 * really reached the server, by server process.
 */
export interface LoggedStatement {
  pid: number;
  application: string;
  /** As the server logged it; several lines are joined by newlines. */
  text: string;
  via: 'simple' | 'extended';
}

export const logLinePrefix = '@%p@%a@ ';
const prefix = /^@(\d+)@(.*?)@ (.*)$/;
const statement = /^LOG: {2}(statement|execute [^:]*): ([^]*)$/;

export function parseLog(text: string): LoggedStatement[] {
  const entries: { pid: number; application: string; message: string }[] = [];
  for (const line of text.split('\n')) {
    const [, pid, application, message] = prefix.exec(line) ?? [];
    const last = entries.at(-1);
    if (pid !== undefined)
      entries.push({ pid: Number(pid), application: application ?? '', message: message ?? '' });
    // A message of several lines continues with a tab in front of each further line.
    else if (last !== undefined && line.startsWith('\t')) last.message += `\n${line.slice(1)}`;
  }
  return entries.flatMap(({ pid, application, message }) => {
    const [, kind, body] = statement.exec(message) ?? [];
    if (kind === undefined || body === undefined) return [];
    return [
      {
        pid,
        application,
        text: body,
        via: kind === 'statement' ? ('simple' as const) : ('extended' as const),
      },
    ];
  });
}
