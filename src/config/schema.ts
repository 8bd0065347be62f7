/**
 * The config file: every key, its default and its limits. Public API; the comments are the reference. Objects are
 * strict: a key that is not here is an error, because a misspelt one would be a protection that is silently missing.
 */
import { z } from 'zod';
import { anticipateSettings } from '../patterns/anticipate/settings.ts';
import { duration } from '../patterns/duration.ts';
import { splitDeleteSettings } from '../patterns/split-delete/settings.ts';
import { unlockedReadSettings } from '../patterns/unlocked-read-after-unique-violation/settings.ts';
import { reasons, type Reason } from '../patterns/reasons.ts';
import { defaultBreaker } from '../session/breaker.ts';
import { listenAddress, serverUrl, tcpAddress } from './address.ts';
import { clientTls, serverTls } from './tls.ts';
import { byteSize, percentage } from './units.ts';

const mode = z.enum(['off', 'observe', 'rewrite']);
const text = z.string().min(1, 'may not be empty');
const globs = z.array(text).min(1, 'name at least one, or leave the key out: it then matches everything');

/** Every list is of glob patterns (`*`, `?`); a key that is absent matches everything. */
const sessionMatch = z.strictObject({
  listeners: globs.optional(),
  databases: globs.optional(),
  users: globs.optional(),
  /** application_name of the connection; MySQL, MariaDB: program_name. */
  applications: globs.optional(),
});
const match = z.strictObject({
  ...sessionMatch.shape,
  /** `table` or `schema.table`, as the statement writes it. Naming a table is consent to rewrite deletes on it. */
  tables: globs.optional(),
  not_tables: globs.optional(),
});

/** Stable: it names the rule in logs, metrics and marker comments. */
const id = z
  .string()
  .regex(/^[a-z0-9][a-z0-9/_-]{0,79}$/, 'write an id of a-z, 0-9, "-", "_" and "/", at most 80 characters')
  // Its marker comment would be the opt-out of a second Interlock.
  .regex(/^(?!off(?![a-z0-9]))/, 'an id may not be "off" or begin with "off-", "off_" or "off/"');

/** A session and what becomes of its last statement. Run when the rules are loaded: a rule whose example fails is refused. */
const example = z
  .strictObject({
    dialect: z.enum(['postgres', 'mysql', 'mariadb']),
    /** Of the session. Default: read committed on PostgreSQL, repeatable read on MySQL and MariaDB. */
    isolation: z.enum(['read uncommitted', 'read committed', 'repeatable read', 'serializable']).optional(),
    /** One statement each, its result behind `->`: `3, 4`, `(7, 'a@x')`, `none`, `DELETE 2`, `!23505 constraint`. */
    session: z.array(text).min(1),
    /** The text that is sent in place of the last statement, without the marker comment. */
    becomes: text.optional(),
    /** The reason for which the last statement is left alone. */
    refused: z.enum(Object.keys(reasons) as [Reason, ...Reason[]]).optional(),
    /** The table whose guard is taken in front of the last statement, which is sent as it is. */
    guards: text.optional(),
  })
  .refine(
    ({ becomes, refused, guards }) =>
      [becomes, refused, guards].filter((one) => one !== undefined).length === 1,
    'write one of becomes, refused and guards',
  );
export type ExampleEntry = z.output<typeof example>;

const common = {
  id,
  mode,
  /** Mode rewrite for this share of the sessions, drawn at connect; the others are observed. */
  canary: percentage.optional(),
  match: match.prefault({}),
  /** On tables that count as named. */
  examples: z.array(example).default([]),
};
/** Ask around observed statements whether the race happened: docs/evidence.md. */
const evidence = z.boolean().default(false);
export const rule = z.discriminatedUnion('pattern', [
  z.strictObject({
    ...common,
    evidence,
    pattern: z.literal('split-delete'),
    settings: splitDeleteSettings.prefault({}),
  }),
  z.strictObject({
    ...common,
    evidence,
    pattern: z.literal('unlocked-read-after-unique-violation'),
    settings: unlockedReadSettings.prefault({}),
  }),
  z.strictObject({ ...common, pattern: z.literal('anticipate'), settings: anticipateSettings }),
]);
export type RuleEntry = z.output<typeof rule>;

/** A file of rules: rules/*.yaml, or one of the user's own. */
export const packSchema = z.strictObject({
  pack: text,
  description: text,
  /** A general pack stands behind the others, whatever the order in which they are named. */
  general: z.boolean().default(false),
  /** Versions of the ORM from whose traffic the rules were written. */
  tested: z.array(text).default([]),
  /** What the ORM sends that the rules make safe. */
  fixes: z.array(text).default([]),
  /** What it sends that they leave as it is, and why. */
  leaves: z.array(text).default([]),
  rules: z.array(rule),
});

const listener = z.strictObject({
  /** Unique; rules, logs and metrics name it. */
  name: z.string().regex(/^[A-Za-z0-9_.-]{1,63}$/, 'write a name of letters, digits, "-", "_" and "."'),
  /** Follows from the server's URL; needed where that is `unix:/path`, a check everywhere else. */
  protocol: z.enum(['postgres', 'mysql']).optional(),
  /** Where clients connect: host:port, unix:/path, or {path, mode} with the permission bits of the socket ('0777'). */
  listen: listenAddress,
  /** The server behind it, as a URL; also through a Unix socket. A name is looked up for every connection. */
  server: serverUrl,
  /** TLS for clients; without it they connect plain. */
  tls: clientTls.optional(),
  /** TLS to the server. Parameters of the server's URL say the same. */
  server_tls: serverTls.optional(),
});

const rules = z.strictObject({
  /** Names of packs that ship with Interlock, or paths of files (with a slash), relative to the config file. */
  packs: z
    .array(
      z.union([
        text,
        /** The pack, for the sessions of one application only. */
        z.strictObject({ pack: text, match: sessionMatch.default({}) }),
      ]),
    )
    .default(['generic']),
  /** Tables on which a split delete may be rewritten, by rules whose mode is rewrite. `*` is allowed. */
  tables: globs.optional(),
  /** Replaces the mode of every rule; rewrite is then consent for all tables. */
  mode: mode.optional(),
  /** Rules of your own, in front of the packs: the first that matches wins. */
  custom: z.array(rule).default([]),
});

const count = z.number().int('write a whole number').positive('write a number above 0');
const limits = z.strictObject({
  /** Client connections of the process. Over it: refused with SQLSTATE 53300. */
  connections: count.default(1000),
  /** Of them from one address, all clients of a Unix socket counted as one. Default: no limit of their own. */
  connections_per_client: count.optional(),
  /** From the client's connection to the end of authentication. */
  login_timeout: duration.default(60_000),
  /** Until the connection to the server is established. */
  connect_timeout: duration.default(10_000),
  /** A session that sends and gets nothing for so long outside of a transaction is ended. Default: never. */
  idle_timeout: duration.optional(),
  /** Silence after which TCP asks whether the other side is still there, on both legs; 0: never. */
  keepalive: duration.default(60_000),
  /** How long transactions may go on after SIGTERM. */
  drain_timeout: duration.default(30_000),
  /** Longest message; a longer one ends the connection. PostgreSQL's own limit is 1 GiB. */
  message_bytes: byteSize.default(1024 ** 3),
  /** Longest statement that is looked at; a longer one is relayed. */
  inspect_bytes: byteSize.default(1024 ** 2),
  /** Ids remembered of one SELECT; of a longer result none are. */
  remembered_ids: count.default(10_000),
  /** Prepared statements and portals remembered in a session. */
  prepared_statements: count.default(2000),
  /** Reply of a locking read, held until it is complete. */
  held_bytes: byteSize.default(1024 ** 2),
  /** What all sessions together may remember: prepared statements, bound parameters, ids. Over it they forget. */
  memory_bytes: byteSize.default(256 * 1024 ** 2),
  /** How long an answer of the catalog counts. DDL that passes through Interlock ends it at once. */
  facts_lifetime: duration.default(60_000),
  /** How long one look of a rule with `evidence` may take; the statement waits for it. */
  evidence_timeout: duration.default(200),
});

const breaker = z.strictObject({
  /** So many failed rewrites of a rule within the window, and it observes for the pause. */
  failures: count.default(defaultBreaker.failures),
  window: duration.default(defaultBreaker.window),
  /** After it one rewrite is tried: if it works out, the rule rewrites again. */
  pause: duration.default(defaultBreaker.pause),
});

const learn = z.strictObject({
  /** suggest: SELECTs that open a transaction which deletes and inserts again are proposed as rules, at /suggestions. */
  mode: z.enum(['off', 'suggest']).default('off'),
  /** Transactions of a shape until it is proposed. */
  after: count.default(5),
  /** What was seen counts half after it. */
  half_life: duration.default(86_400_000),
  /** Shapes that are remembered; over it the one that was seen least is forgotten. */
  shapes: count.default(200),
});

const admin = z.strictObject({
  /** HTTP: the dashboard at /, /healthz, /readyz, /metrics, /findings, /suggestions, /events. */
  listen: tcpAddress,
  /** Needed on any address that is not loopback: `Authorization: Bearer …`. */
  token: z.string().min(16, 'a token needs at least 16 characters').optional(),
  /** Findings that /findings remembers. */
  findings: z.number().int().min(0).max(10_000).default(200),
});

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export const configSchema = z.strictObject({
  listeners: z.array(listener).min(1, 'at least one listener is needed'),
  rules: rules.prefault({}),
  limits: limits.prefault({}),
  breaker: breaker.prefault({}),
  learn: learn.prefault({}),
  admin: admin.optional(),
  log: z.strictObject({ level: z.enum(logLevels).default('info') }).prefault({}),
  /** Processes that share the listeners; auto: one for each core. */
  workers: z.union([z.number().int().min(1).max(64), z.literal('auto')]).default(1),
});
export type ConfigFile = z.output<typeof configSchema>;
