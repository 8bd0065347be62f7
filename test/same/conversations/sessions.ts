/** Session state that the protocol reports: settings, ParameterStatus, roles, notices by level. */
import { step, type Conversation } from '../conversation.ts';
import { extended, query, sync } from '../messages.ts';

const reported: string[] = [
  "SET application_name = 'renamed'",
  "SET TimeZone = 'Europe/Berlin'",
  "SET DateStyle = 'SQL, DMY'",
  "SET IntervalStyle = 'iso_8601'",
  "SET client_encoding = 'LATIN1'",
  'SET standard_conforming_strings = off',
  "SET SESSION AUTHORIZATION 'postgres'",
  'SET search_path = public, pg_catalog',
  "SELECT set_config('application_name', 'by function', false)",
  'SET bytea_output = escape; SELECT $$\\x00ff$$::bytea',
  'SET extra_float_digits = 0; SELECT 0.1::float4 + 0.2',
  'RESET ALL',
];

export const sessions: Conversation[] = [
  ...reported.map((sql): Conversation => ({
    name: `setting ${sql}`,
    steps: [
      step('Z', query(sql)),
      step('Z', query("SELECT '2026-02-03 04:05+00'::timestamptz, '1 day'::interval, 'é'")),
      step('Z', extended('RESET ALL'), sync),
    ],
  })),
  {
    name: 'settings rolled back',
    steps: [
      "BEGIN; SET application_name = 'inside'; SET TimeZone = 'UTC'",
      'SAVEPOINT a; SET DateStyle = German',
      'ROLLBACK TO a',
      'ROLLBACK',
      "BEGIN; SET LOCAL TimeZone = 'Asia/Tokyo'",
      'COMMIT',
    ].map((sql) => step('Z', query(sql))),
  },
  {
    name: 'settings in a pipeline',
    steps: [
      step(
        'Z',
        extended("SET application_name = 'p1'"),
        extended('SELECT 1'),
        extended("SET application_name = 'p2'"),
        sync,
      ),
    ],
  },
  {
    name: 'notices by level',
    steps: ['debug1', 'log', 'notice', 'error'].flatMap((level) => [
      step('Z', query(`SET client_min_messages = ${level}; SELECT chatty(2)`)),
      step('Z', extended('SELECT chatty(1)'), sync),
      step('Z', query('RESET client_min_messages')),
    ]),
  },
  {
    name: 'row security and roles',
    steps: [
      'BEGIN; CREATE ROLE same_guest; SET LOCAL ROLE same_guest',
      'SELECT * FROM numbered',
      'ROLLBACK',
    ].map((sql) => step('Z', query(sql))),
  },
  {
    name: 'temporary tables and their columns',
    steps: [
      'CREATE TEMP TABLE tt (id int PRIMARY KEY, t text)',
      "INSERT INTO tt VALUES (1, 'a'), (2, 'b')",
      'SELECT * FROM tt',
      'BEGIN; SELECT id FROM tt',
      'DELETE FROM tt WHERE id IN (1, 2)',
      'COMMIT; DROP TABLE tt',
    ].map((sql) => step('Z', query(sql))),
  },
  {
    name: 'the server ends the session',
    steps: [step('end', query('SELECT pg_terminate_backend(pg_backend_pid())'))],
  },
  {
    name: 'search_path at start-up',
    parameters: { search_path: 'nowhere, public' },
    steps: [step('Z', query('SELECT count(*) FROM seen'))],
  },
];
