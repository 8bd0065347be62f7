/** The catalog question on every server version: what it says, under every search_path, and what it leaves alone. */
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { factsQuery, readFacts } from '../../src/facts/postgres.ts';
import type { Facts, FactsQuestion } from '../../src/facts/types.ts';
import { knownFunctions } from '../../src/memory/functions.ts';
import { availableVersions, pointed, startPostgres, type Postgres } from '../support/postgres.ts';

const schema = `
  CREATE SCHEMA s;
  CREATE TABLE s.a (id serial PRIMARY KEY, name text UNIQUE);
  CREATE TABLE s.b (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a_id int NOT NULL REFERENCES s.a DEFERRABLE INITIALLY DEFERRED,
    u text, dropped int, "we ird" text, twice int GENERATED ALWAYS AS (id * 2) STORED, UNIQUE (a_id, u));
  ALTER TABLE s.b DROP COLUMN dropped;
  CREATE TABLE s.c (id serial PRIMARY KEY, b_id int REFERENCES s.b ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
  CREATE TABLE s.d (id serial PRIMARY KEY, c_id int REFERENCES s.c ON DELETE SET NULL DEFERRABLE);
  CREATE TABLE s.e (id serial PRIMARY KEY, d_id int REFERENCES s.d DEFERRABLE INITIALLY DEFERRED);
  CREATE TABLE s.f (id serial PRIMARY KEY, e_id int REFERENCES s.e ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
  CREATE UNIQUE INDEX b_expression ON s.b (lower(u));
  CREATE UNIQUE INDEX b_partial ON s.b (u) WHERE u <> '';
  CREATE UNIQUE INDEX b_include ON s.b (u, a_id) INCLUDE ("we ird");

  CREATE TABLE s.keys (plain int NOT NULL, nullable int UNIQUE, late int NOT NULL UNIQUE DEFERRABLE, part int NOT NULL,
    expr int NOT NULL, pair int NOT NULL, good int NOT NULL UNIQUE, UNIQUE (pair, plain));
  CREATE UNIQUE INDEX ON s.keys (part) WHERE part > 0;
  CREATE UNIQUE INDEX ON s.keys ((expr + 1));
  CREATE INDEX ON s.keys (plain);

  CREATE TABLE s.parent (id int PRIMARY KEY);
  CREATE TABLE s.child () INHERITS (s.parent);
  CREATE TABLE s.parts (id int) PARTITION BY LIST (id);
  CREATE TABLE s.part_1 PARTITION OF s.parts FOR VALUES IN (1);
  CREATE VIEW s.v AS SELECT * FROM s.a;
  CREATE MATERIALIZED VIEW s.m AS SELECT * FROM s.a;
  CREATE TABLE s.secret (id int PRIMARY KEY);
  ALTER TABLE s.secret ENABLE ROW LEVEL SECURITY;
  CREATE TABLE s.ruled (id int PRIMARY KEY);
  CREATE RULE r AS ON DELETE TO s.ruled DO INSTEAD NOTHING;

  CREATE TABLE s.x (id int PRIMARY KEY, a_id int CONSTRAINT shared REFERENCES s.a DEFERRABLE INITIALLY DEFERRED);
  CREATE TABLE s.y (id int PRIMARY KEY, a_id int CONSTRAINT shared REFERENCES s.a DEFERRABLE);
  CREATE FUNCTION s.tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
  CREATE CONSTRAINT TRIGGER "Tell" AFTER DELETE ON s.keys DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION s.tell();

  CREATE SCHEMA other;
  CREATE TABLE other.b (id int PRIMARY KEY);
  CREATE FUNCTION other.lower(int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1';
  CREATE FUNCTION other.upper(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';

  -- What a search_path with pg_catalog at its end would put in the place of the server's own.
  CREATE SCHEMA trap;
  CREATE FUNCTION trap.never(oid, oid) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE EXCEPTION ''trap''; END';
  CREATE OPERATOR trap.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = trap.never);
  CREATE FUNCTION trap.never(name, name) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE EXCEPTION ''trap''; END';
  CREATE OPERATOR trap.= (LEFTARG = name, RIGHTARG = name, FUNCTION = trap.never);
  CREATE FUNCTION trap.never("char", "char") RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE EXCEPTION ''trap''; END';
  CREATE OPERATOR trap.= (LEFTARG = "char", RIGHTARG = "char", FUNCTION = trap.never);
  CREATE OPERATOR trap.<> (LEFTARG = "char", RIGHTARG = "char", FUNCTION = trap.never);
  CREATE FUNCTION trap.never(int2, int2) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE EXCEPTION ''trap''; END';
  CREATE OPERATOR trap.= (LEFTARG = int2, RIGHTARG = int2, FUNCTION = trap.never);
  CREATE FUNCTION trap.to_regclass(text) RETURNS regclass LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''trap''; END';
  CREATE TABLE trap.pg_class (oid oid);
  CREATE DOMAIN trap.text AS pg_catalog.text CHECK (false);
  CREATE DOMAIN trap.name AS pg_catalog.name CHECK (false);
  CREATE DOMAIN trap.oid AS pg_catalog.oid CHECK (false);

  DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'facts_reader') THEN CREATE ROLE facts_reader; END IF; END $$;
  GRANT USAGE ON SCHEMA s TO facts_reader;
  GRANT SELECT ON s.a, s.b TO facts_reader;
  GRANT UPDATE (name) ON s.a TO facts_reader;
`;

describe.each(availableVersions())('PostgreSQL %i', (version) => {
  let server: Postgres;
  let client: pg.Client;

  beforeAll(async () => {
    server = await startPostgres({ version });
    client = new pg.Client(pointed(server.url, { database: await server.newDatabase() }));
    await client.connect();
    await client.query(schema);
  });
  afterEach(async () => {
    await client.query('ROLLBACK');
    await client.query('RESET ALL');
    await client.query('RESET ROLE');
  });
  afterAll(async () => {
    await client?.end();
    await server?.stop();
  });

  async function ask(
    question: Partial<FactsQuestion> & Pick<FactsQuestion, 'target'>,
    searchPath = 's',
  ): Promise<Facts | undefined> {
    await client.query(`SET search_path TO ${searchPath}`);
    const { rows, fields } = await client.query<unknown[]>({
      text: factsQuery({ tables: [question.target], functions: [], ...question }),
      rowMode: 'array',
    });
    expect([rows.length, fields.length]).toEqual([1, 1]);
    return readFacts(rows[0]?.[0] as string);
  }

  async function oidOf(name: string): Promise<number> {
    const { rows } = await client.query<{ oid: number }>('SELECT $1::regclass::oid AS oid', [name]);
    return rows[0]?.oid ?? 0;
  }

  test('the target: keys, columns, constraints of its closure', async () => {
    const facts = await ask({
      target: { name: 'b' },
      targetId: await oidOf('s.b'),
      tables: [{ name: 'b' }, { schema: 's', name: 'a' }],
    });
    expect(facts).toMatchObject({
      targetResolves: true,
      identity: { schema: 's', table: 'b' },
      target: {
        schema: 's',
        name: 'b',
        kind: 'r',
        rowSecurity: false,
        inheritance: false,
        rules: false,
        temporary: false,
      },
      primaryKey: ['id'],
      uniqueColumns: ['id'],
      mayLock: true,
      unresolved: false,
      shadowedFunctions: false,
    });
    expect(facts?.relations.map((relation) => relation.name)).toEqual(['b', 'a']);
    expect(facts?.attributes).toEqual({
      1: { name: 'id', type: 23, hasDefault: true, inForeignKey: false },
      2: { name: 'a_id', type: 23, hasDefault: false, inForeignKey: true },
      3: { name: 'u', type: 25, hasDefault: false, inForeignKey: false },
      5: { name: 'we ird', type: 25, hasDefault: false, inForeignKey: false },
      6: { name: 'twice', type: 23, hasDefault: false, inForeignKey: false },
    });
    // a is looked at by b's own key; c and d are reached by CASCADE and SET NULL; e looks at d; f lies behind e.
    expect(facts?.deferrable.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: 's.b_a_id_fkey', initiallyDeferred: true, unique: true, trigger: false },
      { name: 's.c_b_id_fkey', initiallyDeferred: true, unique: true, trigger: false },
      { name: 's.d_c_id_fkey', initiallyDeferred: false, unique: true, trigger: false },
      { name: 's.e_d_id_fkey', initiallyDeferred: true, unique: true, trigger: false },
    ]);
  });

  test('SET CONSTRAINTS takes the names as they are', async () => {
    for (const name of ['b', 'keys']) {
      const facts = await ask({ target: { name } });
      const names = facts?.deferrable.map((constraint) => constraint.name) ?? [];
      expect(names.length).toBeGreaterThan(0);
      await client.query(`BEGIN; SET CONSTRAINTS ${names.join(', ')} IMMEDIATE; ROLLBACK`);
    }
  });

  test('one column that is unique alone, for every row, at once', async () => {
    const facts = await ask({ target: { name: 'keys' } });
    expect(facts?.uniqueColumns).toEqual(['good']);
    expect(facts?.primaryKey).toEqual([]);
    expect(facts?.deferrable.map((constraint) => constraint.name).toSorted()).toEqual([
      's."Tell"',
      's.keys_late_key',
    ]);
  });

  const notNullNotValid = async (): Promise<void> => {
    await client.query(
      'CREATE TABLE s.old (id int UNIQUE); ALTER TABLE s.old ADD CONSTRAINT n NOT NULL id NOT VALID',
    );
    expect((await ask({ target: { name: 'old' } }))?.uniqueColumns).toEqual([]);
    await client.query('ALTER TABLE s.old VALIDATE CONSTRAINT n');
    expect((await ask({ target: { name: 'old' } }))?.uniqueColumns).toEqual(['id']);
  };
  // Older servers have no such constraint.
  if (version >= 18) test('NOT NULL that is not valid for old rows', notNullNotValid);

  test('a name that two constraints share cannot be named alone', async () => {
    const facts = await ask({ target: { name: 'x' } });
    expect(facts?.deferrable).toEqual([
      { name: 's.shared', initiallyDeferred: true, unique: false, trigger: false },
    ]);
  });

  test.each([
    ['parent', { kind: 'r', inheritance: true }],
    ['child', { kind: 'r', inheritance: true }],
    ['parts', { kind: 'p' }],
    ['part_1', { kind: 'r', inheritance: true }],
    ['v', { kind: 'v', rules: true }],
    ['m', { kind: 'm' }],
    ['secret', { rowSecurity: true }],
    ['ruled', { rules: true }],
  ])('%s is not an ordinary table', async (name, expected) => {
    const facts = await ask({ target: { name: 'a' }, tables: [{ name: 'a' }, { name }] });
    expect(facts?.relations[1]).toMatchObject(expected);
    expect((await ask({ target: { name } }))?.target).toMatchObject(expected);
  });

  test('a name means what search_path says, and a temporary table comes first', async () => {
    const targetId = await oidOf('s.b');
    expect(await ask({ target: { name: 'b' }, targetId }, 's, other')).toMatchObject({
      targetResolves: true,
    });
    expect(await ask({ target: { name: 'b' }, targetId }, 'other, s')).toMatchObject({
      targetResolves: false,
    });
    expect(await ask({ target: { schema: 's', name: 'b' }, targetId }, 'other')).toMatchObject({
      targetResolves: true,
    });
    await client.query('CREATE TEMPORARY TABLE b (id int PRIMARY KEY)');
    expect(await ask({ target: { name: 'b' }, targetId })).toMatchObject({ targetResolves: false });
    expect((await ask({ target: { name: 'b' } }))?.target.temporary).toBe(true);
    await client.query('DROP TABLE pg_temp.b');
  });

  test('what is not there', async () => {
    expect(await ask({ target: { name: 'nowhere' } })).toBeUndefined();
    expect(await ask({ target: { name: 'a' }, targetId: 4_294_967_295 })).toBeUndefined();
    expect(await ask({ target: { name: 'a' }, tables: [{ name: 'a' }, { name: 'nowhere' }] })).toMatchObject({
      unresolved: true,
    });
    expect(await ask({ target: { name: 'a' }, tables: [{ schema: 'nowhere', name: 'a' }] })).toMatchObject({
      unresolved: true,
    });
  });

  test('names with everything in them', async () => {
    const name = `o'cl"o\\ck; DROP TABLE s.a`;
    await client.query(`CREATE TABLE s."${name.replaceAll('"', '""')}" ("k'" int PRIMARY KEY)`);
    for (const conforming of ['on', 'off']) {
      await client.query(
        `SET standard_conforming_strings TO ${conforming}; SET escape_string_warning TO off`,
      );
      const facts = await ask({
        target: { name },
        targetId: await oidOf(`s."${name.replaceAll('"', '""')}"`),
      });
      expect(facts).toMatchObject({ targetResolves: true, target: { name }, uniqueColumns: ["k'"] });
      expect(Buffer.from(facts?.identity.table ?? '', 'latin1').toString('utf8')).toBe(name);
    }
  });

  test('the violated key', async () => {
    const violated = async (name: string, table = 'b') =>
      (await ask({ target: { name: 'b' }, constraint: { schema: 's', table, name } })) ?? {};
    expect(await violated('b_a_id_u_key')).toMatchObject({
      targetResolves: true,
      violated: {
        columns: ['a_id', 'u'],
        primary: false,
        partial: false,
        expression: false,
        deferrable: false,
      },
    });
    expect(await violated('b_pkey')).toMatchObject({ violated: { columns: ['id'], primary: true } });
    expect(await violated('b_include')).toMatchObject({ violated: { columns: ['u', 'a_id'] } });
    expect(await violated('b_partial')).toMatchObject({ violated: { columns: ['u'], partial: true } });
    expect(await violated('b_expression')).toMatchObject({ violated: { columns: [], expression: true } });
    expect(await violated('nowhere')).not.toHaveProperty('violated');
    expect(await violated('b_a_id_u_key', 'c')).toMatchObject({ targetResolves: false });
  });

  test('who may lock: UPDATE on one column is enough', async () => {
    await client.query('SET ROLE facts_reader');
    expect(await ask({ target: { name: 'a' } })).toMatchObject({ mayLock: true });
    expect(await ask({ target: { name: 'b' } })).toMatchObject({ mayLock: false });
  });

  test("a volatile function of the app's own with a known name", async () => {
    const functions = ['lower'];
    expect(await ask({ target: { name: 'a' }, functions }, 's')).toMatchObject({ shadowedFunctions: false });
    expect(await ask({ target: { name: 'a' }, functions }, 's, other')).toMatchObject({
      shadowedFunctions: true,
    });
    expect(await ask({ target: { name: 'a' }, functions: ['upper', 'now'] }, 's, other')).toMatchObject({
      shadowedFunctions: false,
    });
  });

  test('volatile code that no name in the statement shows: an operator, a function written like a column', async () => {
    const shadowed = async (): Promise<unknown> => (await ask({ target: { name: 'a' } }))?.shadowedFunctions;
    expect(await shadowed()).toBe(false);
    await client.query(`BEGIN; CREATE FUNCTION s.odd(int, int) RETURNS bool LANGUAGE sql VOLATILE AS 'SELECT true';
      CREATE OPERATOR s.~~~~ (LEFTARG = int, RIGHTARG = int, FUNCTION = s.odd)`);
    expect(await shadowed()).toBe(true);
    await client.query(
      `ROLLBACK; BEGIN; CREATE FUNCTION s.stale(s.a) RETURNS bool LANGUAGE sql VOLATILE AS 'SELECT true'`,
    );
    expect(await shadowed()).toBe(true);
    await client.query('ROLLBACK');
    expect(await shadowed()).toBe(false);
  });

  test("no search_path puts anything else in the place of the server's own", async () => {
    const question = {
      target: { schema: 's', name: 'b' },
      tables: [{ schema: 's', name: 'a' }],
      functions: ['lower'],
    };
    const constraint = { schema: 's', table: 'b', name: 'b_a_id_u_key' };
    const expected = await ask({ ...question, constraint });
    expect(expected).toBeDefined();
    expect(await ask({ ...question, constraint }, 'trap, s, pg_catalog')).toEqual(expected);
    await client.query('RESET search_path');
    const targetId = await oidOf('s.b');
    expect(await ask({ ...question, targetId }, 'trap, s, pg_catalog')).toMatchObject({
      targetResolves: true,
    });
  });

  test('it runs read-only, takes no lock but AccessShare on catalogs', async () => {
    const targetId = await oidOf('s.b');
    await client.query('BEGIN READ ONLY');
    expect(await ask({ target: { name: 'b' }, targetId })).toBeDefined();
    const { rows } = await client.query<{ mode: string; schema: string }>(
      `SELECT DISTINCT l.mode, n.nspname AS schema FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
       JOIN pg_namespace n ON n.oid = c.relnamespace WHERE l.pid = pg_backend_pid()`,
    );
    await client.query('COMMIT');
    expect(rows).toEqual([{ mode: 'AccessShareLock', schema: 'pg_catalog' }]);
  });

  test('in an encoding of its own the names for the guard are the same bytes', async () => {
    await client.query('CREATE TABLE s."größe" (id int PRIMARY KEY)');
    const identities: string[] = [];
    for (const encoding of ['UTF8', 'LATIN1']) {
      await client.query(`SET client_encoding TO ${encoding}`);
      // node-postgres writes UTF-8; the name goes as an escape that means the same in both.
      const query = factsQuery({
        target: { name: 'a' },
        tables: [],
        functions: [],
        targetId: await oidOf(`s.a`),
      }).replace(
        /WHERE c\.oid OPERATOR\(pg_catalog\.=\) \d+::pg_catalog\.oid/,
        `WHERE c.relname LIKE 'gr__e'`,
      );
      const { rows } = await client.query<unknown[]>({ text: query, rowMode: 'array' });
      identities.push(readFacts(rows[0]?.[0] as string)?.identity.table ?? '');
    }
    expect(identities).toEqual([
      Buffer.from('größe').toString('latin1'),
      Buffer.from('größe').toString('latin1'),
    ]);
  });

  test('no function of the allow-list is volatile', async () => {
    const { rows } = await client.query<{ proname: string }>(
      `SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND provolatile = 'v' AND proname = ANY ($1)`,
      [[...knownFunctions]],
    );
    expect(rows.map((row) => row.proname)).toEqual([]);
  });
});
