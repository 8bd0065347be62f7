/** What `interlock check --connect` says of one listener: facts about its server, and which clients get through its legs. */
import type { ListenerConfig } from '../config/load.ts';

export type Leg = 'plain' | 'TLS' | 'socket';

/** works. depends: on what the client or the account is; the note says on what. fails: for everybody; the note is the remedy. */
export type Result = 'works' | 'depends' | 'fails';

export interface Cell {
  client: Leg;
  server: Leg;
  /** How the client logs in, or which kind of client it is. */
  login: string;
  result: Result;
  note?: string;
}

export interface Report {
  listener: string;
  /** In the order in which they are shown. */
  facts: [name: string, value: string][];
  cells: Cell[];
  /** Each with its remedy: the listener cannot do its work. */
  problems: string[];
}

/** Ways in which clients can connect to the listener. */
export function clientLegs({ listen, tls }: ListenerConfig): Leg[] {
  if ('path' in listen) return ['socket'];
  if (tls === undefined) return ['plain'];
  return tls.mode === 'require' ? ['TLS'] : ['plain', 'TLS'];
}

export function failed({ cells, problems }: Report): boolean {
  return problems.length > 0 || cells.some(({ result }) => result === 'fails');
}

/** As text for people. */
export function render({ listener, facts, cells, problems }: Report): string {
  const width = Math.max(0, ...facts.map(([name]) => name.length));
  const lines = [
    `listener ${listener}`,
    ...facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`),
    ...problems.map((problem) => `  FAILS    ${problem}`),
  ];
  for (const { client, server, login, result, note } of cells) {
    lines.push(`  ${mark[result]}  ${`${client} -> ${server}`.padEnd(16)}  ${login}`);
    if (note !== undefined) lines.push(`           ${note}`);
  }
  return `${lines.join('\n')}\n`;
}

const mark: Record<Result, string> = { works: 'works  ', depends: 'depends', fails: 'FAILS  ' };
