/**
 * The first payload byte of a client's command packet (MySQL manual, "Command Phase"; MariaDB adds 0xfa to 0xfd). Step 3
 * of the flow. Commands that the servers no longer know are left out: they are answered with an error.
 */
export const command = {
  quit: 0x01,
  initDb: 0x02,
  query: 0x03,
  fieldList: 0x04,
  createDb: 0x05,
  dropDb: 0x06,
  refresh: 0x07,
  shutdown: 0x08,
  statistics: 0x09,
  processInfo: 0x0a,
  processKill: 0x0c,
  debug: 0x0d,
  ping: 0x0e,
  changeUser: 0x11,
  binlogDump: 0x12,
  tableDump: 0x13,
  connectOut: 0x14,
  registerSlave: 0x15,
  stmtPrepare: 0x16,
  stmtExecute: 0x17,
  stmtSendLongData: 0x18,
  stmtClose: 0x19,
  stmtReset: 0x1a,
  setOption: 0x1b,
  stmtFetch: 0x1c,
  binlogDumpGtid: 0x1e,
  resetConnection: 0x1f,
  clone: 0x20,
  subscribeGroupReplicationStream: 0x21,
  /** MariaDB: several parameter sets in one packet. Answered as an execute. */
  stmtBulkExecute: 0xfa,
} as const;

/**
 * What the server sends back. `none`: nothing at all. `raw`: a stream without end that only the client understands; a
 * session relays bytes from here on.
 */
export type ReplyShape =
  | 'none'
  | 'ok'
  | 'result'
  | 'binary-result'
  | 'prepare'
  | 'fetch'
  | 'field-list'
  | 'text'
  | 'authentication'
  | 'raw';

const shapes: Partial<Record<number, ReplyShape>> = {
  [command.quit]: 'none',
  [command.initDb]: 'ok',
  [command.query]: 'result',
  [command.fieldList]: 'field-list',
  [command.createDb]: 'ok',
  [command.dropDb]: 'ok',
  [command.refresh]: 'ok',
  [command.shutdown]: 'ok',
  [command.statistics]: 'text',
  [command.processInfo]: 'result',
  [command.processKill]: 'ok',
  [command.debug]: 'ok',
  [command.ping]: 'ok',
  [command.changeUser]: 'authentication',
  [command.binlogDump]: 'raw',
  [command.tableDump]: 'raw',
  [command.connectOut]: 'raw',
  [command.registerSlave]: 'ok',
  [command.stmtPrepare]: 'prepare',
  [command.stmtExecute]: 'binary-result',
  [command.stmtSendLongData]: 'none',
  [command.stmtClose]: 'none',
  [command.stmtReset]: 'ok',
  [command.setOption]: 'ok',
  [command.stmtFetch]: 'fetch',
  [command.binlogDumpGtid]: 'raw',
  [command.resetConnection]: 'ok',
  [command.clone]: 'raw',
  [command.subscribeGroupReplicationStream]: 'raw',
  [command.stmtBulkExecute]: 'binary-result',
};

/** Shape of the reply; undefined: a command that is not known here. */
export function replyShape(code: number): ReplyShape | undefined {
  return shapes[code];
}
