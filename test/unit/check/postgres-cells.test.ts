import { describe, expect, test } from 'vitest';
import { postgresCells, type Asked, type Legs } from '../../../src/check/postgres-cells.ts';
import { failed } from '../../../src/check/report.ts';

const scram: Asked = { method: 'sasl', mechanisms: ['SCRAM-SHA-256'] };
const plus: Asked = { method: 'sasl', mechanisms: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'] };
const shown = (legs: Legs, asked: Asked): string[] =>
  postgresCells(legs, asked).map(
    ({ client, server, login, result }) =>
      `${client} ${server} ${login.replace('scram-sha-256, ', '')}: ${result}`,
  );

describe('the five cells of SCRAM (each tried with real clients in test/clients/tls.test.ts)', () => {
  test.each<[string, Legs, Asked, string[]]>([
    [
      'plain, plain',
      { clients: ['plain'], server: 'plain', sameCertificate: false },
      scram,
      ['plain plain no channel binding: works', 'plain plain channel_binding=prefer, as libpq: works'],
    ],
    [
      'plain, TLS',
      { clients: ['plain'], server: 'TLS', sameCertificate: false },
      plus,
      [
        'plain TLS no channel binding: works',
        'plain TLS channel_binding=prefer, as libpq: works',
        'plain TLS enableChannelBinding of node-postgres: depends',
      ],
    ],
    [
      'TLS, plain',
      { clients: ['TLS'], server: 'plain', sameCertificate: false },
      scram,
      [
        'TLS plain no channel binding: works',
        'TLS plain channel_binding=prefer, as libpq: works',
        'TLS plain channel_binding=require: depends',
      ],
    ],
    [
      "TLS, TLS with the server's certificate",
      { clients: ['TLS'], server: 'TLS', sameCertificate: true },
      plus,
      [
        'TLS TLS no channel binding: works',
        'TLS TLS channel_binding=prefer, as libpq: works',
        'TLS TLS channel_binding=require: works',
      ],
    ],
    [
      'TLS, TLS with another certificate',
      { clients: ['TLS'], server: 'TLS', sameCertificate: false },
      plus,
      [
        'TLS TLS no channel binding: works',
        'TLS TLS channel_binding=prefer, as libpq: fails',
        'TLS TLS channel_binding=require: depends',
      ],
    ],
  ])('%s', (_, legs, asked, cells) => {
    expect(shown(legs, asked)).toEqual(cells);
    expect(failed({ listener: '', facts: [], problems: [], cells: postgresCells(legs, asked) })).toBe(
      cells.some((cell) => cell.endsWith('fails')),
    );
  });

  test('whatever fails for everybody has a remedy', () => {
    const cells = postgresCells({ clients: ['plain', 'TLS'], server: 'TLS', sameCertificate: false }, plus);
    const failing = cells.filter(({ result }) => result === 'fails');
    expect(failing).toHaveLength(1);
    expect(failing[0]?.note).toMatch(/certificate and key of the server/);
  });
});

test('other methods', () => {
  const legs: Legs = { clients: ['plain', 'TLS'], server: 'TLS', sameCertificate: false };
  const of = (method: Asked['method']) => postgresCells(legs, { method, mechanisms: [] });
  expect(of('md5').map(({ result }) => result)).toEqual(['works', 'works']);
  expect(of('none').map(({ result }) => result)).toEqual(['works', 'works']);
  expect(of('gss').map(({ result }) => result)).toEqual(['depends', 'depends']);
  expect(of('password').map(({ note }) => note !== undefined)).toEqual([true, false]);
});
