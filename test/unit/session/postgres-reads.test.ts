/**
 * What a session may believe it knows of a read: a portal that is executed again, a call by OID in between, and a name
 * that SQL gave to another statement. In each story the DELETE's list is exactly what the last reply held.
 */
import { expect, test } from 'vitest';
import type { FindingEvent, Session } from '../../../src/session/types.ts';
import { client, message, server, type Column } from '../../streams/encode.ts';
import { makeSession, ruleSet } from '../../streams/session.ts';

const id: Column = { name: 'id', table: 16_400, attribute: 1, type: 23, format: 0 };
const rows = (...ids: string[]): Buffer[] => ids.map((one) => server.dataRow([one]));

class Talk {
  readonly findings: FindingEvent[] = [];
  private readonly session: Session;

  constructor() {
    const rules = ruleSet({ mode: 'observe', tablesNamed: true });
    this.session = makeSession(rules)(() => undefined);
    const settings = { client_encoding: 'UTF8', standard_conforming_strings: 'on' };
    this.exchange(
      [client.startup({ user: 'app', database: 'shop' })],
      [
        server.authenticationOk(),
        ...Object.entries(settings).map(([name, one]) => server.parameterStatus(name, one)),
        server.ready('I'),
      ],
    );
    this.exchange([client.query('BEGIN')], [server.complete('BEGIN'), server.ready('T')]);
  }

  exchange(sent: Buffer[], answered: Buffer[]): void {
    for (const [side, bytes] of [
      ['client', Buffer.concat(sent)],
      ['server', Buffer.concat(answered)],
    ] as const) {
      for (const event of this.session.receive(side, bytes, 0).events)
        if (event.type === 'finding') this.findings.push(event);
    }
  }

  read(...ids: string[]): void {
    this.exchange(
      [client.query('SELECT id FROM book WHERE stale')],
      [
        server.rowDescription([id]),
        ...rows(...ids),
        server.complete(`SELECT ${ids.length}`),
        server.ready('T'),
      ],
    );
  }

  /** @returns what was decided of the DELETE */
  remove(...ids: string[]): string[] {
    this.findings.length = 0;
    this.exchange([client.query(`DELETE FROM book WHERE id IN (${ids.join(', ')})`)], []);
    return this.findings.map(({ decision, reason }) => `${decision} ${reason ?? ''}`.trim());
  }
}

test('the stories below differ from one that is taken', () => {
  const talk = new Talk();
  talk.read('1', '2');
  expect(talk.remove('1', '2')).toEqual(['observed']);
});

test('the rest of a suspended portal is not all that the SELECT returned', () => {
  const talk = new Talk();
  talk.exchange(
    [
      client.parse('', 'SELECT id FROM book WHERE stale'),
      client.bind('p', ''),
      client.describe('P', 'p'),
      client.execute('p', 2),
      client.sync(),
    ],
    [
      server.parseComplete(),
      server.bindComplete(),
      server.rowDescription([id]),
      ...rows('1', '2'),
      server.portalSuspended(),
      server.ready('T'),
    ],
  );
  talk.exchange(
    [client.execute('p', 2), client.sync()],
    [...rows('3'), server.complete('SELECT 1'), server.ready('T')],
  );
  expect(talk.remove('3')).toEqual(['refused result-cut']);
});

test('a function call by OID may have written', () => {
  const talk = new Talk();
  talk.read('1', '2');
  const call = message('F', Buffer.from([0, 0, 0x40, 1, 0, 0, 0, 0, 0, 0]));
  talk.exchange([call], [message('V', Buffer.from([0xff, 0xff, 0xff, 0xff])), server.ready('T')]);
  expect(talk.remove('1', '2')).toEqual(['refused unknown-effect']);
});

test('a name that SQL PREPARE took over is not the statement of Parse any more', () => {
  const talk = new Talk();
  const execute = (): void =>
    talk.exchange(
      [client.bind('', 's'), client.describe('P', ''), client.execute(''), client.sync()],
      [
        server.bindComplete(),
        server.rowDescription([id]),
        ...rows('1'),
        server.complete('SELECT 1'),
        server.ready('T'),
      ],
    );
  talk.exchange(
    [client.parse('s', 'SELECT id FROM book'), client.sync()],
    [server.parseComplete(), server.ready('T')],
  );
  execute();
  expect(talk.remove('1')).toEqual(['observed']);
  talk.exchange([], [server.complete('DELETE 1'), server.ready('T')]);
  talk.exchange([client.query('DEALLOCATE s')], [server.complete('DEALLOCATE'), server.ready('T')]);
  talk.exchange(
    [client.query('PREPARE s AS SELECT id FROM book WHERE stale')],
    [server.complete('PREPARE'), server.ready('T')],
  );
  execute();
  expect(talk.remove('1')).not.toContain('observed');
});

test('values are remembered up to a number of bytes, not only of rows', () => {
  const talk = new Talk();
  const long = '1'.repeat(600_000);
  talk.read(long, long);
  expect(talk.remove('1')).toEqual(['refused over-limit']);
});

test('a named statement whose first portal was described needs no Describe again (pgjdbc)', () => {
  const talk = new Talk();
  talk.exchange(
    [
      client.parse('s', 'SELECT id FROM book WHERE stale'),
      client.bind('', 's'),
      client.describe('P', ''),
      client.execute(''),
      client.sync(),
    ],
    [
      server.parseComplete(),
      server.bindComplete(),
      server.rowDescription([id]),
      ...rows('1', '2'),
      server.complete('SELECT 2'),
      server.ready('T'),
    ],
  );
  talk.exchange(
    [client.bind('', 's'), client.execute(''), client.sync()],
    [server.bindComplete(), ...rows('3', '4'), server.complete('SELECT 2'), server.ready('T')],
  );
  expect(talk.remove('3', '4')).toEqual(['observed']);
});
