/** The matrix of `interlock verify`, for people. Pure. */
import type { SplitDeleteSchedule } from './schedules.ts';

export const ways = ['directly', 'rewritten', 'anticipated'] as const;
export type Way = (typeof ways)[number];

/** What came of one schedule. */
export interface Cell {
  verdict: string;
  /** Every session did what it wanted, and the rows are what a fresh evaluation of its filter leaves. */
  right: boolean;
}
export type Line = { schedule: SplitDeleteSchedule } & Record<Way, Cell>;

/** Right before and not so now, or without an error before and with one now. */
export function isWorse(directly: Cell, through: Cell): boolean {
  return (directly.right && !through.right) || (directly.verdict === 'ok' && through.verdict !== 'ok');
}

const shown = (cell: Cell, directly: Cell): string => {
  const text = cell.right ? 'right' : cell.verdict === 'ok' ? 'other rows' : cell.verdict;
  return isWorse(directly, cell) ? `WORSE: ${text}` : text;
};

export function table(title: string, lines: readonly Line[]): string {
  const widths = new Map<Way, number>(
    ways.map((way) => [
      way,
      Math.max(way.length, ...lines.map((line) => shown(line[way], line.directly).length)) + 2,
    ]),
  );
  const row = (id: string, cells: (way: Way) => string, story: string): string =>
    `  ${id.padEnd(8)}${ways.map((way) => cells(way).padEnd(widths.get(way) ?? 0)).join('')}${story}`.trimEnd();
  return [
    title,
    row('', (way) => way, ''),
    ...lines.map((line) =>
      row(line.schedule.id, (way) => shown(line[way], line.directly), line.schedule.story),
    ),
    '',
  ].join('\n');
}
