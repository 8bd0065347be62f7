/** What can be said at start about SCRAM over two legs: whether it will work is seen only when somebody logs in. */
import type { ListenerConfig } from '../config/load.ts';

export const channelBindingWarning =
  'both legs may be encrypted: libpq (channel_binding=prefer) then logs in with SCRAM only if this certificate is the ' +
  "server's own. Give the listener the server's certificate and key, or let clients set channel_binding=disable, or keep " +
  'one leg plain; interlock check --connect tells whether it works as it is';

/** PostgreSQL's log-in can be bound to the certificate that the client sees (protocol.md, PostgreSQL 7). */
export function mayBreakChannelBinding({
  protocol,
  listen,
  server,
  tls,
  serverTls,
}: ListenerConfig): boolean {
  const overTcp = !('path' in listen) && !('path' in server);
  return protocol === 'postgres' && overTcp && tls !== undefined && serverTls.mode !== 'disable';
}
