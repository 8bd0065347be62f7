/** Commands about the session itself, its tracking, and what each of them leaves of prepared statements and variables. */
import { capability, has } from '../../../../src/wire/mysql/capabilities.ts';
import { command } from '../../../../src/wire/mysql/commands.ts';
import { writeCommand, writePacket, writePrepare, writeQuery } from '../../../../src/wire/mysql/writers.ts';
import { hungUp, sent, step, stepOfB, type Conversation } from '../conversation.ts';
import { asked, statements } from './queries.ts';
import { execution, prepare } from './prepared.ts';

const bare = (code: number, ...body: number[]): Buffer => writeCommand(code, Buffer.from(body));
const initDb = (name: string): Buffer => writeCommand(command.initDb, Buffer.from(name));

/** Asks for `user`, whose password is empty; the server may want the answer again for its own plugin. */
function changeUser(flags: number, user: string, database: string): Buffer {
  const attributes = has(flags, capability.connectAttrs) ? '\0' : '';
  return writeCommand(
    command.changeUser,
    Buffer.from(`${user}\0\0${database}\0`),
    Buffer.of(45, 0),
    Buffer.from(`\0${attributes}`),
  );
}
const emptyAnswer = writePacket(2, Buffer.alloc(0));

export const sessions: Conversation[] = [
  {
    name: 'small commands',
    steps: (c) => [
      step(bare(command.ping)),
      step(bare(command.statistics)),
      step(bare(command.debug)),
      step(bare(command.setOption, 1, 0)),
      asked(c)('SELECT 1; SELECT 2'),
      step(bare(command.setOption, 0, 0)),
      asked(c)('SELECT 1; SELECT 2'),
      step(bare(command.setOption, 7, 0)),
      step(writeCommand(command.fieldList, Buffer.from('numbered\0'))),
      step(writeCommand(command.fieldList, Buffer.from('kinds\0t%'))),
      step(writeCommand(command.fieldList, Buffer.from('missing\0'))),
      step(bare(command.refresh, 0x01)),
      step(bare(command.ping), bare(command.ping), writeQuery('SELECT 1', c.flags), bare(command.ping)),
      step(bare(0x50)),
      step(bare(0x00)),
      step(bare(command.tableDump + 0x60)),
      step(writePacket(0, Buffer.alloc(0))),
      step(writeCommand(command.createDb, Buffer.from('same_made'))),
      step(writeCommand(command.dropDb, Buffer.from('same_made'))),
      step(writeCommand(command.processKill, Buffer.from([0xff, 0xff, 0xff, 0x7f]))),
    ],
  },
  {
    name: 'databases',
    steps: (c) => [
      step(initDb('mysql')),
      asked(c)('SELECT DATABASE()'),
      step(initDb('nowhere')),
      step(initDb('')),
      asked(c)('USE same'),
      asked(c)('USE nowhere'),
      asked(c)('SELECT DATABASE(), COUNT(*) FROM numbered'),
    ],
  },
  {
    name: 'a reset session',
    steps: (c) => [
      asked(c)("SET @a = 1, sql_mode = 'ANSI_QUOTES', autocommit = 0"),
      asked(c)('CREATE TEMPORARY TABLE own (id INT)'),
      prepare('SELECT @a'),
      asked(c)("INSERT INTO scratch (t) VALUES ('lost')"),
      step(bare(command.resetConnection)),
      asked(c)('SELECT @a, @@autocommit, @@sql_mode'),
      step(execution(c, 1)),
      asked(c)('SELECT * FROM own'),
      asked(c)("SELECT COUNT(*) FROM scratch WHERE t = 'lost'"),
      prepare('SELECT 1'),
      step(bare(command.resetConnection), bare(command.resetConnection), writeQuery('SELECT 1', c.flags)),
    ],
  },
  {
    name: 'another user',
    steps: (c) => [
      asked(c)('SET @a = 1, autocommit = 0'),
      prepare('SELECT 1'),
      sent(step(changeUser(c.flags, 'nobody', 'same'))),
      step(emptyAnswer),
      asked(c)('SELECT @a, @@autocommit, CURRENT_USER(), DATABASE()'),
      step(execution(c, 1)),
      sent(step(changeUser(c.flags, 'nobody', 'mysql'))),
      step(emptyAnswer),
      asked(c)('SELECT DATABASE()'),
    ],
  },
  {
    name: 'another user who is not let in: MariaDB goes on with the one before',
    engines: 'mariadb',
    steps: (c) => [
      asked(c)('SET @a = 1'),
      sent(step(changeUser(c.flags, 'root', 'same'))),
      step(emptyAnswer),
      asked(c)('SELECT @a, CURRENT_USER(), DATABASE()'),
    ],
  },
  {
    name: 'another user who is not let in: MySQL hangs up',
    engines: 'mysql',
    steps: (c) => [sent(step(changeUser(c.flags, 'root', 'same'))), hungUp(step(emptyAnswer))],
  },
  statements(
    'tracked changes',
    [
      "SET SESSION session_track_system_variables = 'autocommit,character_set_client,sql_mode'",
      'SET SESSION session_track_schema = 1, session_track_state_change = 1',
      'SET NAMES latin1',
      'SET autocommit = 0',
      "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'",
      'SELECT "id" FROM numbered LIMIT 1',
      'USE mysql',
      'USE same',
      'COMMIT',
      "SET SESSION session_track_transaction_info = 'CHARACTERISTICS'",
      'START TRANSACTION READ ONLY',
      'SELECT id FROM numbered WHERE id = 1',
      'ROLLBACK',
      "SET SESSION session_track_system_variables = ''",
      'SET autocommit = 1',
      'SELECT 1; SET @@session.sql_mode = DEFAULT; USE same',
    ],
    { sets: ['modern', 'cached', 'attributes'] },
  ),
  {
    name: 'a session that is killed while idle, and one that is killed by itself',
    steps: (c) => [
      stepOfB(writeQuery("SELECT GET_LOCK('victim', 0)", c.flags)),
      asked(c)("SELECT GET_LOCK('victim', 0)"),
      // Through any relay the ids are the server's own: the lock tells whom to kill.
      asked(c)("SET @id = IS_USED_LOCK('victim')"),
      asked(c)('KILL @id'),
      hungUp(stepOfB(Buffer.alloc(0))),
      asked(c)("SELECT GET_LOCK('victim', 5)"),
      hungUp(asked(c)('KILL CONNECTION_ID()')),
    ],
  },
  {
    name: 'a query that is killed',
    steps: (c) => [
      stepOfB(writeQuery("SELECT GET_LOCK('victim', 0)", c.flags)),
      { ...stepOfB(writeQuery('SELECT SLEEP(30)', c.flags)), until: 'sent' },
      asked(c)("SET @id = IS_USED_LOCK('victim')"),
      // Waits until the victim sleeps.
      asked(c)('SELECT SLEEP(0.3)'),
      asked(c)('KILL QUERY @id'),
      stepOfB(writePrepare('SELECT 1')),
    ],
  },
];
