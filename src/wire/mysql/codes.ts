/** Bytes that both directions share: packet markers, error numbers that the flow acts on. */

/** int<3> payload length and sequence id. */
export const headerBytes = 4;
/** A payload of exactly this length is continued by the next packet. */
export const maxPayloadBytes = 0xffffff;

/** First payload byte of a server packet where it is a marker. */
export const marker = {
  ok: 0x00,
  authMoreData: 0x01,
  authNextFactor: 0x02,
  greeting: 0x0a,
  localInfile: 0xfb,
  eof: 0xfe,
  authSwitch: 0xfe,
  error: 0xff,
} as const;

/** An EOF packet is shorter than this; a longer packet that starts with 0xfe is a row. */
export const shortEofBytes = 9;

/** Error numbers by name, as in the manuals' server error references. */
export const errno = {
  /** ER_DUP_ENTRY */
  duplicateEntry: 1062,
  /** ER_DUP_ENTRY_WITH_KEY_NAME, MySQL */
  duplicateEntryWithKeyName: 1586,
  /** ER_CHECKREAD, MariaDB: the row was changed since the snapshot; the transaction is rolled back */
  recordChanged: 1020,
  /** ER_LOCK_WAIT_TIMEOUT: the statement is rolled back */
  lockWaitTimeout: 1205,
  /** ER_LOCK_DEADLOCK: the transaction is rolled back */
  deadlock: 1213,
  /** ER_QUERY_INTERRUPTED: KILL QUERY */
  queryInterrupted: 1317,
  /** ER_QUERY_TIMEOUT, MySQL: max_execution_time */
  queryTimeout: 3024,
  /** ER_STATEMENT_TIMEOUT, MariaDB: max_statement_time */
  statementTimeout: 1969,
  /** ER_USER_LOCK_DEADLOCK, MySQL */
  userLockDeadlock: 3058,
  /** ER_UNKNOWN_STMT_HANDLER */
  unknownStatement: 1243,
  /** ER_UNKNOWN_COM_ERROR */
  unknownCommand: 1047,
  /** ER_HANDSHAKE_ERROR */
  badHandshake: 1043,
  /** ER_NET_PACKET_TOO_LARGE */
  packetTooLarge: 1153,
  /** ER_MALFORMED_PACKET */
  malformedPacket: 1835,
  /** ER_UNKNOWN_ERROR */
  unknown: 1105,
  /** ER_SERVER_SHUTDOWN */
  serverShutdown: 1053,
  /** ER_CON_COUNT_ERROR */
  tooManyConnections: 1040,
  /** ER_NET_READ_ERROR */
  netReadError: 1158,
  /** ER_NET_READ_INTERRUPTED: a time-out */
  netReadInterrupted: 1159,
  /** ER_ACCESS_DENIED_ERROR */
  accessDenied: 1045,
  /** ER_CONNECT_TO_FOREIGN_DATA_SOURCE: the proxy has no connection to its server */
  connectToForeignServer: 1429,
  /** ER_SECURE_TRANSPORT_REQUIRED: what a server says to a plain client with require_secure_transport */
  secureTransportRequired: 3159,
  /** ER_CONNECTION_KILLED, MariaDB: KILL CONNECTION */
  connectionKilled: 1927,
  /** ER_CLIENT_INTERACTION_TIMEOUT, MySQL: sent without a command, before the server closes */
  clientInteractionTimeout: 4031,
} as const;
