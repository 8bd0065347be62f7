/** A test suite that somebody else wrote: where it comes from, and how it is run against a server. */
import type { MysqlEngine } from '../../support/mysql.ts';
import type { PostgresVersion } from '../../support/postgres.ts';
import type { Tool } from '../debian.ts';
import type { Outcomes } from './outcomes.ts';

export interface Target {
  host: string;
  port: number;
  user: string;
  /** Empty where the server trusts. */
  password: string;
  /** An empty database of its own on a server of its own. */
  database: string;
}

/** What `prepare` left behind, and how the result names it. */
export interface Prepared {
  /** Version of the driver that the tests drive. */
  driver: string;
  /** Where the tests came from, with version. */
  origin: string;
  run(target: Target): Promise<Outcomes>;
}

export interface Suite {
  name: string;
  server: { postgres: PostgresVersion } | { mysql: MysqlEngine; settings?: Record<string, string> };
  needs?: readonly Tool[];
  /** `folder` is empty and the suite's own. Throws NotFetched when the tests cannot be had. */
  prepare(folder: string): Promise<Prepared>;
  /** Tests that cannot give the same result through any proxy without TLS on its legs, and the like; each with why. */
  except?: Readonly<Record<string, string>>;
}
