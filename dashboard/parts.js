/** Rules and findings. Whatever comes from the server is hostile: it is set as text, never as markup. */
import { sql } from './sql.js';

const number = new Intl.NumberFormat('en');
export const shownNumber = (value) => number.format(value);

/** An element with a class, and texts or elements in it. */
function el(name, className, ...content) {
  const element = document.createElement(name);
  if (className !== '') element.className = className;
  element.append(...content);
  return element;
}

/** The same with a role: on a phone the layout is none of a table, which takes its meaning away. */
function part(name, role, className, ...content) {
  const element = el(name, className, ...content);
  element.setAttribute('role', role);
  return element;
}

function badge(text, kind = text) {
  const element = el('span', 'badge', text);
  element.dataset.kind = kind;
  return element;
}

const failed = ['fell-back', 'passed-on'];
const breakers = ['', 'breaker open', 'breaker half-open'];
const evidenceNames = {
  missed: 'Rows that the DELETE missed.',
  'wrongly-deleted': 'Rows that were deleted although they no longer matched.',
  'lost-update': 'Updates that were lost.',
};

const count = (findings, ...decisions) =>
  findings.filter(({ decision }) => decisions.includes(decision)).reduce((sum, one) => sum + one.count, 0);

class RuleRow {
  constructor({ id, pattern }) {
    this.body = part('tbody', 'rowgroup', '');
    this.body.dataset.rule = id;
    const head = part('th', 'rowheader', 'wide', id, el('small', '', pattern));
    head.scope = 'row';
    this.mode = this.#cell('Mode', '');
    this.cells = {
      observed: this.#cell('Observed'),
      rewritten: this.#cell('Rewritten'),
      refused: this.#cell('Refused'),
      failed: this.#cell('Failed'),
      evidence: this.#cell('Evidence'),
    };
    const row = part('tr', 'row', '', head, this.mode, ...Object.values(this.cells));
    this.summary = el('summary', '');
    this.list = document.createElement('dl');
    this.details = el('details', '', this.summary, this.list);
    const why = part('td', 'cell', 'why', this.details);
    why.colSpan = 7;
    this.body.append(row, part('tr', 'row', '', why));
  }

  #cell(label, className = 'number') {
    const cell = part('td', 'cell', className);
    cell.dataset.label = label;
    return cell;
  }

  update({ mode, canary, findings, breaker, evidence }, reasons) {
    const canaryText =
      canary === undefined ? [] : [el('small', '', `canary ${number.format(canary * 100)} %`)];
    const breakerText = breaker === 0 ? [] : [badge(breakers[breaker], 'open')];
    this.mode.replaceChildren(badge(mode ?? 'removed'), ...canaryText, ...breakerText);
    const counts = {
      observed: count(findings, 'observed'),
      rewritten: count(findings, 'rewritten'),
      refused: count(findings, 'refused'),
      failed: count(findings, ...failed),
    };
    for (const [name, value] of Object.entries(counts)) this.cells[name].textContent = number.format(value);
    const total = evidence.reduce((sum, one) => sum + one.count, 0);
    this.cells.evidence.textContent = evidence.length === 0 ? '–' : number.format(total);
    const because = findings
      .filter(({ reason, count: times }) => reason !== '' && times > 0)
      .toSorted((one, other) => other.count - one.count);
    const guarded = count(findings, 'guarded');
    const lines = [
      ...(guarded === 0
        ? []
        : [['guarded', guarded, 'The guard was taken ahead of what follows; nothing was rewritten.']]),
      ...because.map(({ decision, reason, count: times }) => [
        `${reason}${decision === 'refused' ? '' : ` (${decision})`}`,
        times,
        reasons[reason],
      ]),
      ...evidence.map(({ kind, count: times }) => [kind, times, evidenceNames[kind] ?? 'Evidence.']),
    ];
    const short = lines.map(([name, times]) => `${name} ${number.format(times)}`);
    this.summary.textContent = short.length === 0 ? 'nothing refused' : `In numbers: ${short.join(', ')}`;
    this.list.replaceChildren(
      ...lines.flatMap(([name, times, text]) => [
        el('dt', '', `${name}: ${number.format(times)}`),
        el('dd', '', (text ?? '').replaceAll('`', '')),
      ]),
    );
  }
}

export class Rules {
  #table;
  #rows = new Map();

  /** @param {HTMLTableElement} table */
  constructor(table) {
    this.#table = table;
  }

  update(rules, reasons) {
    const wanted = rules.map((rule) => {
      const row = this.#rows.get(rule.id) ?? new RuleRow(rule);
      this.#rows.set(rule.id, row);
      row.update(rule, reasons);
      return row;
    });
    const bodies = wanted.map(({ body }) => body);
    const present = [...this.#table.tBodies];
    if (bodies.length === present.length && bodies.every((body, at) => body === present[at])) return;
    for (const body of present) if (!bodies.includes(body)) body.remove();
    this.#table.append(...bodies);
  }
}

const time = new Intl.DateTimeFormat('en', { timeStyle: 'medium', hourCycle: 'h23' });

function evidenceText(evidence) {
  if (evidence === undefined) return undefined;
  if (evidence.rows === undefined) return `not asked: ${evidence.reason}`;
  return Object.entries(evidence.rows)
    .map(([kind, rows]) => `${kind} ${number.format(rows)}`)
    .join(', ');
}

function facts(finding) {
  const milliseconds = (value) => (value === undefined ? undefined : `${number.format(value)} ms`);
  const rows = {
    Pattern: finding.pattern,
    'Rule, mode': `${finding.rule}, ${finding.mode}`,
    Listener: finding.listener,
    Database: finding.database,
    Application: finding.application,
    'Rows read': number.format(finding.rows),
    'Rows affected': finding.affected === undefined ? undefined : number.format(finding.affected),
    Guard: finding.guard,
    'Waited for the guard': milliseconds(finding.guardWaitMs),
    'Time added': milliseconds(finding.durationMs),
    'Error of the plan': finding.code,
    Evidence: evidenceText(finding.evidence),
    Fingerprint: finding.fingerprint,
  };
  const list = el('dl', 'facts');
  for (const [name, value] of Object.entries(rows))
    if (value !== undefined && value !== '') list.append(el('dt', '', name), el('dd', '', value));
  return list;
}

function statements(finding) {
  const { before = [], after = [], assumed } = finding;
  if (before.length === 0)
    return [
      el(
        'p',
        'hint',
        'The statements are not shown: they could not be masked for certain, or there were too many different ones.',
      ),
    ];
  const last = before.at(-1);
  const parts = [
    el('h3', '', 'The application sent'),
    ...before.slice(0, -1).map((text) => sql(text)),
    sql(last, after.at(-1)),
  ];
  if (after.length === 0) return parts;
  const title = assumed
    ? 'In mode rewrite the last one would become'
    : 'The server got, in place of the last one';
  const hint = assumed
    ? [
        el(
          'p',
          'hint',
          'As far as can be told without asking the server: keys are assumed, triggers are not.',
        ),
      ]
    : [];
  return [
    ...parts,
    el('h3', '', title),
    ...after.slice(0, -1).map((text) => sql(text)),
    sql(after.at(-1), last),
    ...hint,
  ];
}

/** @returns {HTMLLIElement} */
export function findingItem(finding, reasons) {
  const { reason = '' } = finding;
  const summary = el(
    'summary',
    '',
    el('span', '', time.format(new Date(finding.time))),
    badge(finding.decision),
    el('span', '', finding.table),
    el('span', '', finding.rule),
    el('span', '', reason),
  );
  const details = el('details', '', summary);
  // Its content is made when somebody opens it.
  details.addEventListener(
    'toggle',
    () => {
      const why =
        reason === '' ? [] : [el('p', '', `${reason}: ${(reasons[reason] ?? '').replaceAll('`', '')}`)];
      details.append(...why, ...statements(finding), facts(finding));
    },
    { once: true },
  );
  return el('li', '', details);
}
