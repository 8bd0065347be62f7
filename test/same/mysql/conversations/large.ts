/** Messages around and over 16 MB, which travel as chains of packets, in both directions and both protocols. */
import { writePrepare, writeQuery } from '../../../../src/wire/mysql/writers.ts';
import { type as t } from '../../../../src/wire/mysql/types.ts';
import { step, type Conversation } from '../conversation.ts';
import { execution, longData, prepare } from './prepared.ts';
import { asked } from './queries.ts';

const chain = 0xffffff;

export const large: Conversation[] = [
  {
    name: 'long statements',
    steps: (c) => {
      const long = (payload: number): Buffer => {
        const around = writeQuery("SELECT LENGTH('')", c.flags).length - 4;
        return writeQuery(`SELECT LENGTH('${'x'.repeat(payload - around)}')`, c.flags);
      };
      return [chain - 1, chain, chain + 1, chain + 70_000, 2 * chain].map((bytes) => step(long(bytes)));
    },
    big: true,
  },
  {
    name: 'long rows',
    steps: (c) => [
      ...[chain - 5, chain - 4, chain - 3, chain + 10, 2 * chain].map((bytes) =>
        asked(c)(`SELECT REPEAT('y', ${bytes})`),
      ),
      asked(c)(`SELECT 1, REPEAT('y', ${chain}), 2 UNION ALL SELECT 3, '', 4`),
      asked(c)(`SELECT REPEAT('y', 65535 * 4)`),
      asked(c)('SELECT id, REPEAT(label, 20000) FROM numbered'),
    ],
    big: true,
  },
  {
    name: 'long values of prepared statements',
    steps: (c) => [
      prepare('SELECT LENGTH(?), ?'),
      step(
        execution(c, 1, [
          { type: t.blob, value: Buffer.alloc(chain + 99, 0x7a) },
          { type: t.longlong, value: Buffer.alloc(8, 1) },
        ]),
      ),
      step(
        longData(1, 0, Buffer.alloc(chain, 0x7a)),
        longData(1, 0, Buffer.alloc(300_000, 0x7a)),
        execution(c, 1, [
          { type: t.blob, value: null },
          { type: t.longlong, value: Buffer.alloc(8, 1) },
        ]),
      ),
      prepare(`SELECT ?, REPEAT('w', ${chain + 5})`),
      step(execution(c, 2, [{ type: t.longlong, value: Buffer.alloc(8, 1) }])),
      step(execution(c, 2, [{ type: t.longlong, value: Buffer.alloc(8, 1) }], 1)),
      step(writePrepare(`SELECT LENGTH('${'x'.repeat(chain)}')`)),
      step(execution(c, 3)),
    ],
    big: true,
  },
  {
    name: 'longer than the server takes',
    steps: (c) => [
      asked(c)("SELECT REPEAT('y', 100000000) IS NULL"),
      asked(c)('SHOW WARNINGS'),
      asked(c)('SELECT 1'),
    ],
  },
];
