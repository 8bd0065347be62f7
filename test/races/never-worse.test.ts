/**
 * Sequences in which a rewrite would have done what neither the application nor a fresh evaluation of its predicate does.
 * Each runs directly and through Interlock with every table named; the rows that are left and the answers have to be the same.
 */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availableVersions, pointed, startPostgres, type Postgres } from '../support/postgres.ts';
import { startInterlock, type Proxy } from '../support/proxy.ts';
import { decisions, FindingReader } from './findings.ts';
import { ask } from './runner.ts';

interface Case {
  story: string;
  setUp: string[];
  /** `X: ` in front: another session, straight to the server. */
  steps: string[];
  look: string;
  reason: string;
}

const cases: Case[] = [
  {
    story: 'SET NULL of a first chunk makes a child a root',
    setUp: [
      'CREATE TABLE node (id serial PRIMARY KEY, parent_id int REFERENCES node ON DELETE SET NULL)',
      'INSERT INTO node VALUES (1, NULL), (2, NULL), (3, 1), (4, 3)',
    ],
    steps: [
      'BEGIN',
      'SELECT id FROM node WHERE parent_id IS NULL',
      'DELETE FROM node WHERE id IN (1)',
      'DELETE FROM node WHERE id IN (2)',
      'COMMIT',
    ],
    look: 'SELECT id FROM node ORDER BY id',
    reason: 'chunk-effects',
  },
  {
    story: 'CASCADE of a first chunk empties the other side of an anti-join',
    setUp: [
      'CREATE TABLE n (id serial PRIMARY KEY)',
      'CREATE TABLE link (from_id int REFERENCES n ON DELETE CASCADE, to_id int)',
      'INSERT INTO n VALUES (1), (2), (3)',
      'INSERT INTO link VALUES (1, 3)',
    ],
    steps: [
      'BEGIN',
      'SELECT a.id FROM n a LEFT JOIN link l ON l.to_id = a.id WHERE l.to_id IS NULL',
      'DELETE FROM n WHERE id IN (1)',
      'DELETE FROM n WHERE id IN (2)',
      'COMMIT',
    ],
    look: 'SELECT id FROM n ORDER BY id',
    reason: 'chunk-effects',
  },
  {
    story: 'a trigger of a first chunk changes what the predicate reads',
    setUp: [
      'CREATE TABLE t (id serial PRIMARY KEY, g int); CREATE TABLE flag (g int, hot bool)',
      'INSERT INTO t VALUES (1, 1), (2, 1), (3, 2); INSERT INTO flag VALUES (1, true), (2, false)',
      `CREATE FUNCTION heat() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE flag SET hot = true; RETURN NULL; END $$`,
      'CREATE TRIGGER heat AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION heat()',
    ],
    steps: [
      'BEGIN',
      'SELECT t.id FROM t INNER JOIN flag ON flag.g = t.g WHERE flag.hot',
      'DELETE FROM t WHERE id IN (1)',
      'DELETE FROM t WHERE id IN (2)',
      'COMMIT',
    ],
    look: 'SELECT id FROM t ORDER BY id',
    reason: 'chunk-effects',
  },
  {
    story: 'two questions gave the same ids, and the list may answer either',
    setUp: [
      'CREATE TABLE job (id serial PRIMARY KEY, done bool)',
      'INSERT INTO job VALUES (1, true), (2, true)',
    ],
    steps: [
      'BEGIN',
      'SELECT id FROM job WHERE done',
      'SELECT id FROM job WHERE id > 0',
      'X: INSERT INTO job VALUES (3, false)',
      'DELETE FROM job WHERE id IN (1, 2)',
      'COMMIT',
    ],
    look: 'SELECT id FROM job ORDER BY id',
    reason: 'statement-between',
  },
  {
    story: 'a deferred constraint trigger would run early and not at COMMIT',
    setUp: [
      'CREATE TABLE acc (id serial PRIMARY KEY, old bool); CREATE TABLE cap (n int); INSERT INTO cap VALUES (9)',
      'INSERT INTO acc VALUES (1, true), (2, true)',
      `CREATE FUNCTION capped() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF (SELECT n FROM cap) < 5 THEN RAISE EXCEPTION 'over the cap'; END IF; RETURN NULL; END $$`,
      `CREATE CONSTRAINT TRIGGER capped AFTER INSERT ON acc DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION capped()`,
    ],
    steps: [
      'BEGIN',
      'INSERT INTO acc VALUES (3, false)',
      'SELECT id FROM acc WHERE old',
      'DELETE FROM acc WHERE id IN (1, 2)',
      'UPDATE cap SET n = 1',
      'COMMIT',
    ],
    look: 'SELECT id FROM acc ORDER BY id',
    reason: 'deferred-closure',
  },
  {
    story: 'an operator on a volatile function',
    setUp: [
      'CREATE TABLE op (id serial PRIMARY KEY); INSERT INTO op VALUES (1), (2), (3), (4)',
      `CREATE SEQUENCE seen; CREATE FUNCTION first_two(int, int) RETURNS bool LANGUAGE sql VOLATILE
        AS $$ SELECT nextval('seen') NOT IN (3, 4) $$`,
      'CREATE OPERATOR ~~~~ (LEFTARG = int, RIGHTARG = int, FUNCTION = first_two)',
    ],
    steps: ['BEGIN', 'SELECT id FROM op WHERE id ~~~~ 1', 'DELETE FROM op WHERE id IN (1, 2)', 'COMMIT'],
    look: 'SELECT id FROM op ORDER BY id',
    reason: 'volatile-function',
  },
  {
    story: 'a volatile function that is written like a column',
    setUp: [
      'CREATE TABLE q (id serial PRIMARY KEY); INSERT INTO q VALUES (1), (2), (3), (4)',
      `CREATE SEQUENCE asked; CREATE FUNCTION isdone(q) RETURNS bool LANGUAGE sql VOLATILE
        AS $$ SELECT nextval('asked') NOT IN (3, 4) $$`,
    ],
    steps: ['BEGIN', 'SELECT q.id FROM q WHERE q.isdone', 'DELETE FROM q WHERE id IN (1, 2)', 'COMMIT'],
    look: 'SELECT id FROM q ORDER BY id',
    reason: 'volatile-function',
  },
];

describe.each(availableVersions([15, 18]))('PostgreSQL %i', (version) => {
  let server: Postgres;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await startPostgres({ version });
    proxy = await startInterlock({ server, rules: ['django'], tables: ['*'] });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  async function play(one: Case, through: boolean): Promise<{ answers: string[]; left: unknown }> {
    const database = await server.newDatabase();
    const direct = pointed(server.url, { database });
    await ask(direct, one.setUp);
    const app = new pg.Client({ connectionString: through ? proxy.urlFor(database) : direct });
    await app.connect();
    const answers: string[] = [];
    for (const step of one.steps) {
      if (step.startsWith('X: ')) await ask(direct, [step.slice(3)]);
      else
        answers.push(
          await app.query(step).then(
            ({ command, rowCount }) => `${command} ${rowCount}`,
            (error: pg.DatabaseError) => `${error.code}`,
          ),
        );
    }
    await app.end();
    return { answers, left: await ask(direct, [one.look]) };
  }

  test.each(cases)('$story', async (one) => {
    const reference = await play(one, false);
    const findings = new FindingReader(proxy);
    expect(await play(one, true)).toEqual(reference);
    const deletes = one.steps.filter((step) => step.startsWith('DELETE')).length;
    expect(decisions(await findings.next(deletes))).toContain(`refused ${one.reason}`);
  });
});
