/** What operators get wrong, and what they are told: the place, and what to write. */
import { describe, expect, test } from 'vitest';
import { checkExamples } from '../../../src/config/examples.ts';
import { loadText } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/config/problem.ts';

/** Lines 1 to 4; a mistake's own lines begin at 5. */
const listener = `listeners:
  - name: main
    listen: 127.0.0.1:6432
    server: postgres://db:5432
`;
const rule = `${listener}rules:
  custom:
    - id: mine
      pattern: split-delete
      mode: rewrite
`;
const example = (lines: string): string => `${rule}      examples:
        - dialect: postgres
          session:
            - BEGIN
            - SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.n = 1 -> 3, 4
            - DELETE FROM book WHERE id IN (3, 4)
${lines}
`;

async function told(text: string): Promise<string[]> {
  try {
    await checkExamples(loadText('f.yaml', text, {}).examples);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ where, message }) => `${where}: ${message}`);
  }
  return [];
}

const mistakes: [what: string, text: string, where: string, says: RegExp][] = [
  ['a tab', 'listeners:\n\t- name: main\n', '2:1', /[Tt]ab/],
  ['a quote left open', `${listener}log: {level: "info}\n`, '6:1', /quote|flow|closing/i],
  ['a key twice', `${listener}workers: 1\nworkers: 1\n`, '6:1', /unique/],
  ['an unknown key', `${listener}rule: {}\n`, '5:1', /unknown key "rule"; allowed: listeners, rules, /],
  [
    'a key in the wrong place',
    `${rule}      tables: [cart]\n`,
    '10:7',
    /unknown key "tables"; allowed: .*match/,
  ],
  ['no listener', 'rules: {}\n', '1:1', /listeners: is missing/],
  [
    'a listener without a server',
    'listeners:\n  - name: a\n    listen: 127.0.0.1:1\n',
    '2:5',
    /server: is missing/,
  ],
  ['a port alone', listener.replace('127.0.0.1:6432', '6432'), '3:13', /expected string|host:port/],
  [
    'an address without a port',
    listener.replace('127.0.0.1:6432', 'localhost'),
    '3:13',
    /write host:port, for example 127\.0\.0\.1:6432/,
  ],
  ['a server without a scheme', listener.replace('postgres://', ''), '4:13', /begin with postgres:\/\//],
  ['a scheme of something else', listener.replace('postgres:', 'jdbc:'), '4:13', /postgres:\/\/.*mysql:\/\//],
  [
    'the same name twice',
    `${listener}  - name: main\n    listen: 127.0.0.1:1\n    server: mysql://db\n`,
    '5:11',
    /two listeners are called "main"/,
  ],
  [
    'a variable that is not set',
    listener.replace('db:5432', '${DB_HOST}'),
    '4:13',
    /no variable DB_HOST; a default is written \$\{DB_HOST:-default\}/,
  ],
  [
    'a pack that does not exist',
    `${listener}rules:\n  packs: [djnago]\n`,
    '6:11',
    /unknown rule pack "djnago"; available: django, generic, /,
  ],
  [
    'a pattern that does not exist',
    rule.replace('split-delete', 'split_delete'),
    '8:16',
    /expected one of split-delete, unlocked-read/,
  ],
  [
    'a mode that does not exist',
    rule.replace('rewrite', 'on'),
    '9:13',
    /expected one of off, observe, rewrite/,
  ],
  [
    'a setting of the other pattern',
    `${rule}      settings: {when: always}\n`,
    '10:18',
    /unknown key "when"; allowed: .*window/,
  ],
  [
    'a duration in hours',
    `${rule}      settings: {window: 1h}\n`,
    '10:26',
    /write a duration like 500ms, 1s or 2m/,
  ],
  ['a share without its unit', `${rule}      canary: 10\n`, '10:15', /expected string|10%/],
  ['a share above everything', `${rule}      canary: 110%\n`, '10:15', /above 0 and at most 100%/],
  ['an empty list', `${rule}      match: {tables: []}\n`, '10:23', /name at least one, or leave the key out/],
  ['an id with a blank', rule.replace('mine', 'my rule'), '7:11', /write an id of a-z, 0-9/],
  ['an id that switches off', rule.replace('mine', 'off/mine'), '7:11', /may not be "off"/],
  [
    'an id twice',
    `${rule}    - {id: mine, pattern: split-delete, mode: off}\n`,
    '10:12',
    /rule id "mine" is taken by f\.yaml:7:11/,
  ],
  [
    'a size in MB',
    `${listener}limits:\n  held_bytes: 1MB\n`,
    '6:15',
    /write a size like 4096, 64KiB, 1MiB or 1GiB/,
  ],
  ['a limit of nothing', `${listener}limits:\n  remembered_ids: 0\n`, '6:19', /write a number above 0/],
  [
    'an admin port for everybody',
    `${listener}admin:\n  listen: 0.0.0.0:9187\n`,
    '6:11',
    /needs admin\.token/,
  ],
  ['an example without an end', example(''), '11:11', /write one of becomes, refused and guards/],
  [
    'a reason that does not exist',
    example('          refused: selectlist'),
    '16:20',
    /expected one of .*select-list/,
  ],
  [
    'an example that fails',
    example('          refused: select-list'),
    '11:11',
    /example of rule "mine" comes out otherwise\n {4}expected {2}refused: select-list\n {4}found {5}DELETE FROM book WHERE id IN \(SELECT b\.id /,
  ],
];

describe('mistakes in a config', () => {
  test('there are at least twenty', () => expect(mistakes.length).toBeGreaterThanOrEqual(20));
  test.each(mistakes)('%s', async (_, text, where, says) => {
    const [first] = await told(text);
    expect(first).toMatch(says);
    expect(first?.split(': ')[0]).toBe(`f.yaml:${where}`);
  });
  test('and without any there is nothing to say', async () => {
    const becomes =
      'DELETE FROM book WHERE id IN (SELECT b.id FROM book b JOIN author a ON a.id = b.author_id WHERE a.n = 1 FOR UPDATE OF b)';
    expect(await told(example(`          becomes: ${becomes}`))).toEqual([]);
    expect(await told(example(`          becomes: ${becomes.replace('n = 1', 'n = 2')}`))).toEqual([
      expect.stringMatching(/\n +\^$/),
    ]);
  });
});
