/** What clients are told when the proxy itself ends their connection: what happened, and what helps. */
import { fatalCodes, type LastWord } from '../session/last-word.ts';
import type { TlsFailure } from './tls.ts';
import type { ConnectionLimit, ProxyLimits } from './types.ts';

export const shutdown: LastWord = {
  code: fatalCodes.shutdown,
  message: 'Interlock is shutting down',
  hint: 'Connect again.',
};

/** @param server as the configuration names it @param why undefined: it closed the connection */
export function connectionLost(server: string, why = 'it closed the connection'): LastWord {
  return {
    code: fatalCodes.connectionLost,
    message: `Interlock lost the connection to the server at ${server}: ${why}`,
    hint: 'What was not committed is rolled back; whether a COMMIT without an answer took effect is not known.',
  };
}

export function cannotConnect(server: string, { reason, hint }: TlsFailure): LastWord {
  const message = `Interlock cannot connect to the server at ${server}: ${reason}`;
  return { code: fatalCodes.cannotConnect, message, hint };
}

export function overLimit(limit: ConnectionLimit, limits: ProxyLimits): LastWord {
  const message =
    limit === 'connections'
      ? `Interlock serves ${limits.connections} connections already`
      : `Interlock serves ${limits.connectionsPerClient} connections of this client's address already`;
  return { code: fatalCodes.tooManyConnections, message, hint: `Close some, or raise limits.${limit}.` };
}

/** @param ms the limit */
export function loginTooLong(ms: number): LastWord {
  const message = `the log-in took longer than ${ms} ms`;
  return { code: fatalCodes.loginTimeout, message, hint: 'See limits.login_timeout.' };
}

/** @param ms the limit */
export function idleTooLong(ms: number): LastWord {
  const message = `nothing was sent for ${ms} ms outside of a transaction`;
  return { code: fatalCodes.idleTimeout, message, hint: 'See limits.idle_timeout.' };
}
