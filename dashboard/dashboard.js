/**
 * The page: reads /events (server-sent events, by fetch, because EventSource cannot send a token) and shows what comes.
 * Nothing that somebody may be reading moves: new findings wait for a button.
 */
import { findingItem, Rules, shownNumber } from './parts.js';
import { Plots } from './plots.js';

const tokenKey = 'interlock-token';
const againMs = 2_000;
/** In the page; /findings has the others. */
const mostFindings = 50;

const at = (id) => document.getElementById(id);
const status = at('status');
const page = at('page');
const rules = new Rules(at('rules'));
let plots;
let waiting = [];
let reasons = {};

function tell(state, text) {
  if (status.textContent === text) return;
  status.dataset.state = state;
  status.textContent = text;
}

function totals(values) {
  for (const element of document.querySelectorAll('[data-total]')) {
    const value = values[element.dataset.total];
    element.textContent = value === undefined ? '–' : shownNumber(value);
  }
  const { plans = 0, planSeconds = 0 } = values;
  at('mean-plan').textContent =
    plans === 0 ? '–' : `${shownNumber(Math.round((planSeconds / plans) * 10_000) / 10)} ms`;
}

function notices({ reloadSuccessful, problems }) {
  const lines = [
    reloadSuccessful === 0 &&
      'The rules on disk cannot be used; the ones before are still in use. The log says what is wrong, and where.',
    problems > 0 &&
      `${shownNumber(problems)} defects of Interlock were contained: please report them, with the log.`,
  ].filter(Boolean);
  const shown = [...at('notices').children].map(({ textContent }) => textContent);
  if (shown.join('\n') === lines.join('\n')) return;
  at('notices').replaceChildren(
    ...lines.map((line) => {
      const p = document.createElement('p');
      p.textContent = line;
      return p;
    }),
  );
}

function showFindings() {
  const list = at('finding-list');
  list.prepend(...waiting.map((finding) => findingItem(finding, reasons)));
  waiting = [];
  while (list.children.length > mostFindings) list.lastElementChild.remove();
  at('no-findings').hidden = list.children.length > 0;
  offerFindings();
}

function offerFindings() {
  const button = at('show-new');
  button.disabled = waiting.length === 0;
  button.textContent = waiting.length === 0 ? 'No new ones' : `Show ${shownNumber(waiting.length)} new`;
}

function show(event, state) {
  const first = event === 'all';
  reasons = state.reasons;
  tell(state.ready ? 'ready' : 'not-ready', state.ready ? 'ready' : 'not ready: starting or draining');
  totals(state.totals);
  notices(state.totals);
  rules.update(state.rules, reasons);
  waiting = [...state.findings, ...(first ? [] : waiting)].slice(0, mostFindings);
  if (first) {
    at('finding-list').replaceChildren();
    page.hidden = false;
    showFindings();
  } else offerFindings();
  plots ??= new Plots(at('plots'));
  plots.add(first, state.plotted, state.points);
}

/** @param {ReadableStream<Uint8Array>} stream of server-sent events, one line of data each */
async function follow(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (text + value).split('\n\n');
    text = events.pop();
    for (const one of events) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/s.exec(one) ?? [];
      if (data !== undefined) show(event, JSON.parse(data));
    }
  }
}

async function connect() {
  const token = sessionStorage.getItem(tokenKey);
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch('events', { headers, cache: 'no-store' });
  if (response.status === 401) return askForToken(token !== null);
  if (!response.ok) throw new Error(`answered ${response.status}`);
  at('log-in').hidden = true;
  await follow(response.body);
  throw new Error('ended');
}

function askForToken(wrong) {
  sessionStorage.removeItem(tokenKey);
  tell('not-ready', 'a token is needed');
  page.hidden = true;
  at('log-in').hidden = false;
  at('log-in-problem').textContent = wrong ? 'That is not the token.' : '';
  at('token').focus();
}

function run() {
  connect().catch(() => {
    tell('lost', 'no connection: trying again');
    setTimeout(run, againMs);
  });
}

at('show-new').addEventListener('click', showFindings);
at('log-in').addEventListener('submit', (event) => {
  event.preventDefault();
  // For this tab, and until it is closed.
  sessionStorage.setItem(tokenKey, at('token').value);
  at('token').value = '';
  run();
});
run();
