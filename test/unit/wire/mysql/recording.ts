/** What record.ts writes: everything one client and one real server sent each other, in turns. */

export interface Turn {
  name: string;
  /** Base64. Whole packets. */
  client: string;
  /** Base64. Whole packets: all that the server answered. */
  server: string;
}

export interface Recording {
  engine: string;
  version: string;
  /** Name of the set of capabilities. */
  set: string;
  turns: Turn[];
}
