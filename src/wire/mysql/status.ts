/**
 * Status flags of OK and EOF packets (SERVER_STATUS_flags_enum). ERR packets have none. Step 10 of the flow: the
 * transaction state and the lexer's settings are read from them.
 */
export const status = {
  inTransaction: 0x0001,
  autocommit: 0x0002,
  moreResults: 0x0008,
  /** A cursor was opened: rows come with COM_STMT_FETCH only. */
  cursorExists: 0x0040,
  lastRowSent: 0x0080,
  databaseDropped: 0x0100,
  noBackslashEscapes: 0x0200,
  metadataChanged: 0x0400,
  /** The result set holds the OUT parameters of a CALL. */
  outParameters: 0x1000,
  inReadOnlyTransaction: 0x2000,
  sessionStateChanged: 0x4000,
  /** MariaDB only; MySQL never sets it. */
  ansiQuotes: 0x8000,
} as const;
