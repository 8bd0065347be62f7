/** A rule set that can be exchanged while sessions use it; each of them goes over to the new one by itself, see RuleSet. */
import type { RuleSet, SessionInfo, SessionRules } from '../session/types.ts';

export class LiveRules implements RuleSet {
  #set: RuleSet;
  #version = 1;

  constructor(set: RuleSet) {
    this.#set = set;
  }

  get version(): number {
    return this.#version;
  }

  forSession(info: SessionInfo): SessionRules {
    return this.#set.forSession(info);
  }

  exchange(set: RuleSet): void {
    this.#set = set;
    this.#version += 1;
  }
}
