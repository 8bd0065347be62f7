/** What is fuzzed: how an input is made, what is done with it, what must hold. Inputs are data, so that one can be timed alone. */
import { createPasswordKeys } from '../../src/proxy/password-keys.ts';
import type { Session, TlsPolicy } from '../../src/session/types.ts';
import { makeMysqlSession, mysqlShared } from '../streams/mysql/through.ts';
import { makeSession, ruleSet, sharedState } from '../streams/session.ts';
import { mysqlMaterial, postgresMaterial, type Material } from './material.ts';
import {
  mutateBytes,
  mutatePieces,
  mysqlHeader,
  postgresHeader,
  rechunk,
  type Header,
  type Piece,
} from './mutate.ts';
import { bounded, faithful, mysqlError, play, postgresError, type Played } from './play.ts';
import type { Random } from './random.ts';
import { frameTargets } from './targets-frames.ts';
import { textTargets } from './targets-text.ts';

export interface Target<Input = unknown> {
  name: string;
  /** Of a thousand inputs. */
  share: number;
  make(random: Random): Input;
  /** @returns how it ended, in a word. @throws when something does not hold */
  run(input: Input): string;
}

interface Conversation {
  login: Piece[];
  pieces: Piece[];
}

interface Wire {
  material: readonly Material[];
  header: Header;
  make: (mode: 'observe' | 'rewrite', tls?: TlsPolicy) => (wakeSoon: () => void) => Session;
  errorStart: (toClient: Buffer) => number;
}

const rules = {
  observe: ruleSet({ mode: 'observe', tablesNamed: true }),
  rewrite: ruleSet({ mode: 'rewrite', tablesNamed: true }),
};
const shared = { postgres: sharedState(), mysql: mysqlShared() };

const passwords = await createPasswordKeys();

/** Guards and cached facts would carry one input over into the next; the grammars are the same for all, as in the proxy. */
const wires: Record<'postgres' | 'mysql', Wire> = {
  postgres: {
    material: postgresMaterial,
    header: postgresHeader,
    make: (mode, tls) =>
      makeSession(rules[mode], { ...sharedState(), witness: shared.postgres.witness }, {}, tls),
    errorStart: postgresError,
  },
  mysql: {
    material: mysqlMaterial,
    header: mysqlHeader,
    make: (mode, tls) =>
      makeMysqlSession(
        rules[mode],
        { ...mysqlShared(), witness: shared.mysql.witness },
        {},
        tls === undefined ? {} : { tls, passwords },
      ),
    errorStart: mysqlError,
  },
};

function check(problem: string | undefined): void {
  if (problem !== undefined) throw new Error(problem);
}

const ending = ({ ended, raw }: Played): string => (ended ? 'ended' : raw ? 'raw relay' : 'followed');

/** Past log-in: the beginning of a recorded conversation, of any length, with some of its messages changed. */
function conversationTarget(
  wire: keyof typeof wires,
  mode: 'observe' | 'rewrite',
  share: number,
): Target<Conversation> {
  const { material, header, make, errorStart } = wires[wire];
  return {
    name: `${wire} session, ${mode}`,
    share,
    make: (random) => {
      const { login, pieces } = random.pick(material);
      const beginning = pieces.slice(0, 5 + random.below(pieces.length));
      return { login, pieces: rechunk(random, mutatePieces(random, beginning, header)) };
    },
    run: ({ login, pieces }) => {
      const played = play(make(mode), login, pieces);
      check(bounded(played) ?? (mode === 'observe' ? faithful(played, login, errorStart) : undefined));
      return ending(played);
    },
  };
}

/** Start-up requests that no recording holds: SSLRequest, GSSENCRequest, CancelRequest with a key of 4 and of 32 bytes. */
const requests = [
  '0000000804d2162f',
  '0000000804d21630',
  `0000001004d2162e${'00000001'.repeat(2)}`,
  `0000002c04d2162e${'07'.repeat(36)}`,
].map((hex): Piece => ({ side: 'client', bytes: Buffer.from(hex, 'hex') }));

/** The log-in itself is changed, and a few messages follow. */
function loginTarget(
  wire: keyof typeof wires,
  share: number,
): Target<Conversation & { tls: TlsPolicy | undefined }> {
  const { material, header, make, errorStart } = wires[wire];
  return {
    name: `${wire} log-in`,
    share,
    make: (random) => {
      const { login, pieces } = random.pick(material);
      const extra = wire === 'postgres' && random.chance(2) ? [random.pick(requests)] : [];
      const all = [...extra, ...login, ...pieces.slice(0, 3)];
      // The start-up packet has no type byte: there a mended length would be in the wrong place.
      const at = random.below(extra.length + login.length);
      const piece = all[at] as Piece;
      const changed = mutateBytes(random, piece.bytes, random.pick(all).bytes);
      if (wire === 'mysql' && changed.length >= 4 && !random.chance(3)) header.mend(changed);
      else if (changed.length >= 8 && random.chance(2)) changed.writeInt32BE(changed.length, 0);
      all[at] = { side: piece.side, bytes: changed };
      const tls: TlsPolicy | undefined = random.chance(2)
        ? undefined
        : {
            client: random.pick(['off', 'allow', 'require']),
            server: random.pick(['off', 'prefer', 'require']),
            secure: { client: random.chance(3), server: random.chance(3) },
          };
      return {
        tls,
        login: [],
        pieces: rechunk(random, random.chance(4) ? mutatePieces(random, all, header) : all),
      };
    },
    run: ({ login, pieces, tls }) => {
      const played = play(make('rewrite', tls), login, pieces);
      check(bounded(played));
      if (played.ended && wire === 'mysql' && errorStart(played.toClient) < 0)
        check('ended without an error');
      return ending(played);
    },
  };
}

export const targets: readonly Target[] = [
  conversationTarget('postgres', 'rewrite', 140),
  conversationTarget('postgres', 'observe', 120),
  conversationTarget('mysql', 'rewrite', 140),
  conversationTarget('mysql', 'observe', 120),
  loginTarget('postgres', 60),
  loginTarget('mysql', 60),
  ...frameTargets({ postgres: postgresMaterial, mysql: mysqlMaterial }),
  ...textTargets,
];
