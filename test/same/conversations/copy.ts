/** COPY in and out, good and failing, in both protocols. */
import { step, type Conversation } from '../conversation.ts';
import {
  bind,
  copyData,
  copyDone,
  copyFail,
  execute,
  extended,
  flush,
  functionCall,
  parse,
  query,
  sync,
} from '../messages.ts';

const conversation = (name: string, ...steps: Conversation['steps']): Conversation => ({
  name: `copy ${name}`,
  steps: [
    ...steps,
    step('Z', query('SELECT id, t FROM scratch ORDER BY id, t')),
    step('Z', query('TRUNCATE scratch')),
  ],
});

const binaryCopy = Buffer.concat([
  Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'),
  Buffer.alloc(8),
  Buffer.from('0002' + '00000004' + '00000029' + '00000003' + '616263', 'hex'),
  Buffer.from('0002' + '00000004' + '0000002a' + 'ffffffff', 'hex'),
  Buffer.from('ffff', 'hex'),
]);

const start = query('COPY scratch FROM STDIN');

const out: Conversation[] = [
  'COPY numbered TO STDOUT',
  'COPY (SELECT id, label FROM numbered WHERE id < 4 ORDER BY id) TO STDOUT WITH CSV HEADER',
  'COPY seen TO STDOUT',
  'COPY (SELECT * FROM seen) TO STDOUT (FORMAT binary)',
  'COPY (SELECT 1 WHERE false) TO STDOUT',
  "COPY (SELECT E'a\\tb\\nc\\\\', NULL) TO STDOUT",
  'COPY (SELECT 1 / (5 - id) FROM numbered ORDER BY id) TO STDOUT',
  'COPY nowhere TO STDOUT',
  'SELECT 1; COPY seen TO STDOUT; SELECT 2; COPY seen (id) TO STDOUT',
].flatMap((sql) => [
  conversation(`out ${sql}`, step('Z', query(sql))),
  conversation(`out extended ${sql}`, step('Z', extended(sql), sync)),
]);

const into: Conversation[] = [
  conversation(
    'in',
    step('G', start),
    step('Z', copyData('1\tone\n2\t\\N\n'), copyData('3\tdrei ü\n'), copyDone),
  ),
  conversation('in, all in one write', step('Z', start, copyData('1\tone\n'), copyDone)),
  conversation(
    'in, lines cut anywhere',
    step('Z', start, ...Array.from('1\tone\n2\ttwo\n', (c) => copyData(c)), copyDone),
  ),
  conversation('in, no rows', step('Z', start, copyDone)),
  conversation(
    'in, empty messages',
    step('Z', start, copyData(''), copyData('1\tx'), copyData(''), copyData('\n'), copyDone),
  ),
  conversation('in, end marker', step('Z', start, copyData('1\tone\n\\.\n'), copyDone)),
  conversation(
    'in, csv',
    step(
      'Z',
      query('COPY scratch FROM STDIN WITH CSV HEADER'),
      copyData('id,t\n1,"a ""b"", c"\n2,\n'),
      copyDone,
    ),
  ),
  conversation(
    'in, binary',
    step('Z', query('COPY scratch FROM STDIN (FORMAT binary)'), copyData(binaryCopy), copyDone),
  ),
  conversation(
    'in, with a column list',
    step('Z', query('COPY scratch (t) FROM STDIN'), copyData('only t\n'), copyDone),
  ),
  conversation(
    'in, CopyFail',
    step('G', start),
    step('Z', copyData('1\tone\n'), copyFail('changed my mind')),
  ),
  conversation(
    'in, CopyFail in a transaction',
    step('Z', query('BEGIN')),
    step('Z', start, copyFail('no')),
    step('Z', query('ROLLBACK')),
  ),
  conversation(
    'in, bad row, the rest comes late',
    step('E', start, copyData('x\tone\n'), copyDone),
    step('ZZ', copyData('2\ttwo\n'), copyData('3\tthree\n'), copyDone, query('SELECT 1')),
    step('Z', query('SELECT 2')),
  ),
  conversation('in, too many columns', step('Z', start, copyData('1\ta\tb\n'), copyDone)),
  conversation(
    'in, constraint violated',
    step('Z', query('COPY numbered FROM STDIN'), copyData('1\tagain\t1\n'), copyDone),
  ),
  conversation(
    'in, table missing, data comes all the same',
    step('Z', query('COPY nowhere FROM STDIN'), copyData('1\n'), copyDone),
    step('Z', query('SELECT 1')),
  ),
  conversation(
    'in, Flush and Sync are ignored',
    step('G', start),
    step('Z', flush, sync, copyData('1\tone\n'), flush, sync, copyDone),
  ),
  conversation(
    'in, between other statements',
    step(
      'G',
      query(
        'SELECT 1; COPY scratch FROM STDIN; SELECT count(*) FROM scratch; COPY scratch FROM STDIN; SELECT 2',
      ),
    ),
    step('G', copyData('1\tone\n'), copyDone),
    step('Z', copyData('2\ttwo\n'), copyDone),
  ),
  conversation(
    'in, fails between other statements',
    step('G', query('INSERT INTO scratch VALUES (7); COPY scratch FROM STDIN; SELECT 2')),
    step('Z', copyFail('no')),
  ),
  conversation(
    'in, in a transaction that fails later',
    step('ZZZZ', query('BEGIN'), start, copyData('1\tone\n'), copyDone, query('SELECT 1/0'), query('COMMIT')),
  ),
  conversation(
    'in, large rows',
    step('G', start),
    step('Z', ...Array.from({ length: 40 }, (_, i) => copyData(`${i}\t${'long '.repeat(2000)}\n`)), copyDone),
  ),
];

const statement = parse('', 'COPY scratch FROM STDIN');
const extendedIn: Conversation[] = [
  conversation(
    'in extended',
    step('G', statement, bind(), execute(), flush),
    step('Z', copyData('1\tone\n'), copyDone, sync),
  ),
  // The Sync that libpq's pipelines send at once is eaten by COPY; one more ends the sequence.
  conversation(
    'in extended, Sync already sent',
    step('G', statement, bind(), execute(), sync),
    step('Z', copyData('1\tone\n'), copyDone, sync),
  ),
  conversation(
    'in extended, CopyFail',
    step('G', statement, bind(), execute(), flush),
    step('Z', copyFail('no'), sync),
    step('Z', query('SELECT 1')),
  ),
  conversation(
    'in extended, bad row',
    step('E', statement, bind(), execute(), flush, copyData('x\n'), copyDone),
    step('Z', copyData('1\tone\n'), copyDone, sync),
    step('Z', query('SELECT 1')),
  ),
  conversation(
    'in extended, then more in the same pipeline',
    step(
      'Z',
      statement,
      bind(),
      execute(),
      copyData('1\tone\n'),
      copyDone,
      extended('SELECT count(*) FROM scratch'),
      sync,
    ),
  ),
];

/** The server gives such a connection up: it cannot know where the next message starts. */
const misplaced: Conversation[] = [
  {
    name: 'copy in, then a query',
    steps: [step('G', start), step('end', copyData('1\tone\n'), query('SELECT 1'))],
  },
  { name: 'copy in, then a function call', steps: [step('G', start), step('end', functionCall(870, ['A']))] },
];

export const copy: Conversation[] = [...out, ...into, ...extendedIn, ...misplaced];
