/** LOAD DATA LOCAL: the one exchange in which the client's packets are no commands. */
import type { Capabilities } from '../../../../src/wire/mysql/capabilities.ts';
import { writePacket, writeQuery } from '../../../../src/wire/mysql/writers.ts';
import { step, type Conversation, type Step } from '../conversation.ts';
import { asked } from './queries.ts';

const load = (table = 'scratch'): string => `LOAD DATA LOCAL INFILE 'rows.txt' INTO TABLE ${table} (t)`;
const end = (sequence: number): Buffer => writePacket(sequence & 0xff, Buffer.alloc(0));

/** @param first sequence id, one above that of the server's request */
function fileFrom(first: number, ...parts: string[]): Step {
  const packets = parts.map((part, at) => writePacket((first + at) & 0xff, Buffer.from(part)));
  return step(...packets, end(first + parts.length));
}
const file = (...parts: string[]): Step => fileFrom(2, ...parts);
const counted = (c: Capabilities): Step => asked(c)('SELECT COUNT(*), MIN(t), MAX(t) FROM scratch');

export const files: Conversation[] = [
  {
    name: 'files that are sent',
    steps: (c) => [
      asked(c)(load()),
      file('a\nb\n', 'c\n'),
      asked(c)(`/* of an ORM */ ${load()}`),
      file('d\n'),
      asked(c)(`-- of a tool\n${load().replace('LOCAL', 'CONCURRENT LOCAL')}`),
      file('e\n'),
      asked(c)(`SET @a = 1; ${load()}; SELECT ROW_COUNT()`),
      fileFrom(3, 'f\n'),
      asked(c)(load().replace('LOAD DATA LOCAL', 'load  data\n/* c */ local')),
      file('g\n'),
      counted(c),
      asked(c)('TRUNCATE TABLE scratch'),
    ],
  },
  {
    name: 'a file that is not sent, a table that is not there',
    steps: (c) => [
      asked(c)(load()),
      file(),
      asked(c)(load('missing')),
      asked(c)(load('seen')),
      asked(c)("LOAD DATA LOCAL INFILE 'rows.txt' INTO TABLE numbered (label)"),
      file('label 1\n', 'label 2\n'),
      asked(c)('SHOW WARNINGS'),
      asked(c)(load().replace('LOCAL', '')),
      counted(c),
    ],
  },
  {
    name: 'a file of so many packets that their sequence ids come round',
    steps: (c) => [
      asked(c)(load()),
      // The packet with id 0 again begins with the byte of COM_QUERY, COM_QUIT, COM_STMT_PREPARE …
      file(
        ...Array.from(
          { length: 600 },
          (_, i) => `${['\x03', '\x01', '\x16', '\x0e'][i % 4] ?? ''}row ${i}\n`,
        ),
      ),
      counted(c),
      step(writeQuery('TRUNCATE TABLE scratch', c.flags), writeQuery('SELECT 1', c.flags)),
    ],
  },
  {
    name: 'a file in big packets',
    steps: (c) => [
      asked(c)(load()),
      file(...Array.from({ length: 6 }, () => `${'x'.repeat(199)}\n`.repeat(5_000))),
      counted(c),
      asked(c)('TRUNCATE TABLE scratch'),
    ],
    big: true,
  },
];
