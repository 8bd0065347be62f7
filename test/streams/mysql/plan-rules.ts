/** Answers to the statements that are a plan's alone: server state, SHOW CREATE TABLE, the guard. */
import type { Catalog } from '../catalog.ts';
import { createTable } from './catalog.ts';
import type { Answer } from './fake-server.ts';
import type { PlanRule } from './script.ts';
import {
  answerState,
  expression,
  plainVariables,
  type Flavour,
  type SessionVariables,
} from './server-state.ts';

export interface PlanAnswers extends SessionVariables {
  flavour: Flavour;
  /** never: another session has it for as long as the plan asks. null, error: the server cannot say. */
  guard: 'had' | 'never' | 'null' | 'error';
  /** error: SHOW CREATE TABLE fails. nonsense: it answers something else. */
  facts: 'answer' | 'error' | 'nonsense';
  /** Of earlier chunks: how many triggers and acting foreign keys the table has, and 1 if triggers are visible. */
  effects: [string, string, string];
  /** Error number with which the state cannot be asked; 0: it can. */
  state: number;
}

export const plainAnswers: PlanAnswers = {
  ...plainVariables,
  flavour: 'mariadb',
  guard: 'had',
  facts: 'answer',
  effects: ['0', '0', '1'],
  state: 0,
};

export function planRules(catalog: Catalog, answers: PlanAnswers): PlanRule[] {
  const state: PlanRule = ({ sql }) => {
    const answer = answerState(sql, answers.flavour, answers);
    return answer !== undefined && answers.state > 0 ? failure(answers.state) : answer;
  };
  const facts: PlanRule = ({ sql }) => {
    // Here a lock wait that times out takes the transaction with it: the app has to hear of it.
    if (sql === 'SELECT @@global.innodb_rollback_on_timeout') return rows(['rolled'], ['1']);
    // Asked when a list comes in chunks: triggers, foreign keys that act on DELETE, and whether the user would see them.
    if (sql.includes('information_schema.TRIGGERS'))
      return rows(['triggers', 'actions', 'visible'], answers.effects);
    const name = /^SHOW CREATE TABLE (?:`[^`]+`\.)?`([^`]+)`$/.exec(sql)?.[1];
    if (name === undefined) return undefined;
    const table = catalog.tables.get(name);
    if (answers.facts === 'error' || table === undefined) return failure(1146, '42S02');
    const text = answers.facts === 'nonsense' ? 'CREATE SERVER' : createTable(table, answers.flavour);
    return rows(['Table', 'Create Table'], [name, text]);
  };
  const guard: PlanRule = ({ sql }) => {
    const asked = /^SELECT GET_LOCK\('(interlock:[^']{1,54})', 0\)$/.exec(sql)?.[1];
    if (asked !== undefined) {
      if (answers.guard === 'error') return failure(3058);
      const had = answers.guard === 'null' ? null : answers.guard === 'had' ? '1' : '0';
      return rows(['GET_LOCK'], [had]);
    }
    return /^DO RELEASE_LOCK\('interlock:[^']{1,54}'\)$/.test(sql) ? { kind: 'ok', affected: 0 } : undefined;
  };
  return [state, facts, guard];
}

export function failure(errno: number, sqlstate = 'HY000'): Answer {
  return { kind: 'error', errno, sqlstate, message: 'made to fail' };
}

function rows(names: string[], values: (string | null)[]): Answer {
  return { kind: 'rows', columns: names.map((name) => expression(name)), rows: [values] };
}
