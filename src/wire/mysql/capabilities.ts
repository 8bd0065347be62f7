/**
 * Capability flags, and which of them Interlock lets the two ends agree on: step 2 of the flow, once a session.
 *
 * Invariant: a flag that changes the shape of packets is offered only if this folder reads that shape. Kept for that
 * reason, although they do change shapes: query attributes (libmysqlclient sets it always), deprecated EOF, session
 * tracking, MariaDB's metadata caching, extended metadata and bulk execution. Left out: compression (the frames would
 * be hidden), optional result set metadata (opt-in of the C API; without column definitions nothing could be identified),
 * MariaDB's progress reports (error packets in the middle of a reply) and COM_MULTI, and every flag without a name here.
 */
export const capability = {
  /** CLIENT_LONG_PASSWORD; MariaDB calls it CLIENT_MYSQL and leaves it clear to say that it is MariaDB. */
  mysql: 0x00000001,
  foundRows: 0x00000002,
  longFlag: 0x00000004,
  connectWithDb: 0x00000008,
  noSchema: 0x00000010,
  compress: 0x00000020,
  odbc: 0x00000040,
  localFiles: 0x00000080,
  ignoreSpace: 0x00000100,
  protocol41: 0x00000200,
  interactive: 0x00000400,
  ssl: 0x00000800,
  ignoreSigpipe: 0x00001000,
  transactions: 0x00002000,
  reserved: 0x00004000,
  secureConnection: 0x00008000,
  multiStatements: 0x00010000,
  multiResults: 0x00020000,
  psMultiResults: 0x00040000,
  pluginAuth: 0x00080000,
  connectAttrs: 0x00100000,
  pluginAuthLenencClientData: 0x00200000,
  canHandleExpiredPasswords: 0x00400000,
  sessionTrack: 0x00800000,
  deprecateEof: 0x01000000,
  optionalResultsetMetadata: 0x02000000,
  zstdCompression: 0x04000000,
  queryAttributes: 0x08000000,
  multiFactorAuthentication: 0x10000000,
  /** MySQL: reserved for more than 32 flags. MariaDB: an obsolete form of progress reports. */
  extension: 0x20000000,
  sslVerifyServerCert: 0x40000000,
  rememberOptions: 0x80000000,
} as const;

/** MariaDB's extended capabilities: flags 32 and up of its 64-bit set, here from bit 0. */
export const mariadbCapability = {
  progress: 0x01,
  comMulti: 0x02,
  stmtBulkOperations: 0x04,
  extendedMetadata: 0x08,
  cacheMetadata: 0x10,
  /** Changes the result of a bulk execution into an ordinary result set. */
  bulkUnitResults: 0x20,
} as const;

const hidden =
  capability.compress |
  capability.optionalResultsetMetadata |
  capability.zstdCompression |
  capability.extension;

/** Flags that may be agreed on, TLS included. */
export const parsedCapabilities = ~hidden >>> 0;

export const parsedMariadbCapabilities =
  mariadbCapability.stmtBulkOperations |
  mariadbCapability.extendedMetadata |
  mariadbCapability.cacheMetadata |
  mariadbCapability.bulkUnitResults;

/** The agreed flags of one session: what the client chose of what it was offered. Both unsigned. */
export interface Capabilities {
  flags: number;
  /** MariaDB's extended flags, 0 if the server is not MariaDB. */
  mariadb: number;
}

export const noCapabilities: Capabilities = { flags: 0, mariadb: 0 };

/** Tests a flag; also right for the highest one, where `&` is negative. */
export function has(flags: number, flag: number): boolean {
  return (flags & flag) !== 0;
}

/** Offered ∩ chosen. A client that sets a flag it was not offered does not have it. */
export function agreed(offered: Capabilities, chosen: Capabilities): Capabilities {
  return { flags: (offered.flags & chosen.flags) >>> 0, mariadb: (offered.mariadb & chosen.mariadb) >>> 0 };
}

/** What this folder can follow; `tls`: the proxy can take over a client's TLS. */
export function understood(tls: boolean): Capabilities {
  const flags = tls ? parsedCapabilities : parsedCapabilities & ~capability.ssl;
  return { flags: flags >>> 0, mariadb: parsedMariadbCapabilities };
}
