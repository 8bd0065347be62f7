/**
 * The first byte of every message after start-up, by direction (PostgreSQL manual, "Message Formats"). Some letters mean
 * different things in the two directions, so the tables are apart.
 */
const at = (letter: string): number => letter.charCodeAt(0);

/** Client → server. `p` is the answer to any authentication request: password, SASL or GSS. */
export const client = {
  bind: at('B'),
  close: at('C'),
  copyData: at('d'),
  copyDone: at('c'),
  copyFail: at('f'),
  describe: at('D'),
  execute: at('E'),
  flush: at('H'),
  functionCall: at('F'),
  parse: at('P'),
  authentication: at('p'),
  query: at('Q'),
  sync: at('S'),
  terminate: at('X'),
} as const;

/** Server → client. */
export const server = {
  authentication: at('R'),
  backendKeyData: at('K'),
  bindComplete: at('2'),
  closeComplete: at('3'),
  commandComplete: at('C'),
  copyData: at('d'),
  copyDone: at('c'),
  copyInResponse: at('G'),
  copyOutResponse: at('H'),
  copyBothResponse: at('W'),
  dataRow: at('D'),
  emptyQueryResponse: at('I'),
  error: at('E'),
  functionCallResponse: at('V'),
  negotiateProtocolVersion: at('v'),
  noData: at('n'),
  notice: at('N'),
  notification: at('A'),
  parameterDescription: at('t'),
  parameterStatus: at('S'),
  parseComplete: at('1'),
  portalSuspended: at('s'),
  readyForQuery: at('Z'),
  rowDescription: at('T'),
} as const;

/** Type byte and int32 length. */
export const headerBytes = 5;
