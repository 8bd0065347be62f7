/** What is wrong with a config, and where. All problems are reported at once. */
export interface Problem {
  /** `interlock.yaml:3:5`, or a flag. */
  where: string;
  message: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: Problem[];

  constructor(problems: Problem[]) {
    super(problems.map((problem) => `${problem.where}: ${problem.message}`).join('\n'));
    this.problems = problems;
  }
}
