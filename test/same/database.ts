/** What the conversations find in their database: one table of every type, tables for both patterns, things that fail. */

export const schema = `
CREATE TYPE mood AS ENUM ('sad', 'fine', 'happy');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);

CREATE TABLE numbered (id int PRIMARY KEY, label text NOT NULL, half numeric(10,1));
INSERT INTO numbered SELECT n, 'label ' || n, n / 2.0 FROM generate_series(1, 500) n;

CREATE TABLE author (id serial PRIMARY KEY, name text NOT NULL, retired bool NOT NULL DEFAULT false);
CREATE TABLE book (id bigserial PRIMARY KEY, author_id int NOT NULL REFERENCES author, title text NOT NULL);
INSERT INTO author (name, retired) SELECT 'author ' || n, n % 4 = 0 FROM generate_series(1, 20) n;
INSERT INTO book (author_id, title) SELECT 1 + n % 20, 'book ' || n FROM generate_series(1, 200) n;

CREATE TABLE setting (id serial PRIMARY KEY, name text NOT NULL UNIQUE, value int NOT NULL DEFAULT 0);
INSERT INTO setting (name, value) SELECT 'setting ' || n, n FROM generate_series(1, 20) n;

CREATE TABLE checked (
  id int PRIMARY KEY,
  small int CHECK (small < 10),
  parent int REFERENCES checked DEFERRABLE INITIALLY DEFERRED,
  code varchar(3),
  span int4range,
  EXCLUDE USING gist (span WITH &&)
);
INSERT INTO checked VALUES (1, 1, NULL, 'abc', '[1,5)');

CREATE TABLE scratch (id int, t text);
CREATE TABLE no_columns ();
CREATE VIEW seen AS SELECT id, label FROM numbered WHERE id <= 3;

CREATE FUNCTION chatty(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..n LOOP RAISE NOTICE 'number % of %', i, n; END LOOP;
  RAISE WARNING 'with a hint' USING HINT = 'none needed', DETAIL = 'several' || chr(10) || 'lines';
  RETURN n;
END $$;

CREATE FUNCTION angry(code text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'angry: %', code USING ERRCODE = code, DETAIL = 'd', HINT = 'h', TABLE = 'numbered',
    COLUMN = 'label', CONSTRAINT = 'c', SCHEMA = 'public', DATATYPE = 'text';
END $$;

CREATE PROCEDURE two_steps() LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO scratch VALUES (-1, 'first'); COMMIT;
  DELETE FROM scratch WHERE id = -1; COMMIT;
END $$;
`;
