/** What the proxy itself says to a client when it ends the connection. */

/** SQLSTATEs, as PostgreSQL has them; MySQL's numbers stand in mysql/last-word.ts. */
export const fatalCodes = {
  cannotConnect: '08001',
  connectionLost: '08006',
  tooManyConnections: '53300',
  loginTimeout: '57014',
  shutdown: '57P01',
  idleTimeout: '57P05',
} as const;
export type FatalCode = (typeof fatalCodes)[keyof typeof fatalCodes];

export interface LastWord {
  code: FatalCode;
  message: string;
  hint?: string | undefined;
}
