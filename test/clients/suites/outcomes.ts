/** What a test runner's output says of each test. A test that is named twice failed if one of the two did. */
export type Outcome = 'passed' | 'failed' | 'skipped';
export type Outcomes = Map<string, Outcome>;

const rank = { skipped: 0, passed: 1, failed: 2 } as const;

export function note(outcomes: Outcomes, test: string, outcome: Outcome): void {
  const before = outcomes.get(test);
  if (before === undefined || rank[before] < rank[outcome]) outcomes.set(test, outcome);
}

function each(text: string, pattern: RegExp, found: (groups: string[]) => [string, Outcome]): Outcomes {
  const outcomes: Outcomes = new Map();
  for (const match of text.matchAll(pattern)) note(outcomes, ...found(match));
  return outcomes;
}

/** `go test -v`, subtests included. */
export const fromGo = (text: string): Outcomes =>
  each(text, /^\s*--- (PASS|FAIL|SKIP): (\S+)/gm, ([, word, name]) => [
    name!,
    ({ PASS: 'passed', FAIL: 'failed', SKIP: 'skipped' } as const)[word as 'PASS'],
  ]);

/** `pytest -rA` without the captured output: the short summary has one line a test. */
export const fromPytest = (text: string): Outcomes =>
  each(
    text.slice(text.indexOf('short test summary info')),
    /^(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (?:\[\d+\] )?(\S+(?:\[[^\n]*?\](?= - |$))?)/gm,
    ([, word, name]) => [
      name!,
      ['PASSED', 'XFAIL', 'XPASS'].includes(word!) ? 'passed' : word === 'SKIPPED' ? 'skipped' : 'failed',
    ],
  );

/** `prove -v`: each file's name, then its TAP. Subtests count with the test that holds them. */
export function fromProve(text: string): Outcomes {
  const outcomes: Outcomes = new Map();
  let file = '';
  for (const line of text.split('\n')) {
    file = /^(\S+\.t) \.+/.exec(line)?.[1] ?? file;
    const [, not, number, name] = /^(?:\S+\.t \.+ )?(not )?ok (\d+)(.*)/.exec(line) ?? [];
    if (number !== undefined)
      note(
        outcomes,
        `${file} ${number}`,
        /# skip/i.test(name!) ? 'skipped' : not === undefined || /# TODO/.test(name!) ? 'passed' : 'failed',
      );
    else if (/^(?:\S+\.t \.+ )?skipped/.test(line)) note(outcomes, file, 'skipped');
    else if (/^(?:\S+\.t \.+ )?Dubious|^Bailout called/.test(line)) note(outcomes, file, 'failed');
  }
  return outcomes;
}

/** pg_regress up to 15: `test a ... ok  12 ms`, in a group without the first word. */
export const fromRegress = (text: string): Outcomes =>
  each(text, /^(?:test)? +(\S+) +\.\.\. (ok|FAILED|failed)/gm, ([, name, word]) => [
    name!,
    word === 'ok' ? 'passed' : 'failed',
  ]);

/** What the tests of MariaDB Connector/J print of themselves. */
export const fromConnectorJ = (text: string): Outcomes =>
  each(text, /^finished test (success|failed) : (\S+)/gm, ([, word, name]) => [
    name!,
    word === 'success' ? 'passed' : 'failed',
  ]);

/** mocha's JSON reporter. */
export function fromMocha(text: string): Outcomes {
  const report = JSON.parse(text.slice(text.indexOf('{\n  "stats"'))) as Record<
    'passes' | 'failures' | 'pending',
    { fullTitle: string }[]
  >;
  const outcomes: Outcomes = new Map();
  for (const { fullTitle } of report.passes) note(outcomes, fullTitle, 'passed');
  for (const { fullTitle } of report.failures) note(outcomes, fullTitle, 'failed');
  for (const { fullTitle } of report.pending) note(outcomes, fullTitle, 'skipped');
  return outcomes;
}
