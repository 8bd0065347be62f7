/**
 * Config file or flags -> Config, or a ConfigError with every problem. Nothing else reads the environment.
 */
import { dirname, resolve } from 'node:path';
import type { Rule } from '../patterns/rule.ts';
import type { LearnSettings } from '../patterns/anticipate/learner.ts';
import type { BreakerSettings } from '../session/breaker.ts';
import type { RuleSet, SessionLimits } from '../session/types.ts';
import {
  shown,
  type Credentials,
  type Endpoint,
  type ListenAddress,
  type ProtocolName,
  type TcpAddress,
} from './address.ts';
import type { RuleExample } from './examples.ts';
import { ConfigFiles } from './files.ts';
import { isLoopback } from './loopback.ts';
import { ConfigError, type Problem } from './problem.ts';
import { ruleSet } from './rule-set.ts';
import { collectRules } from './rules.ts';
import { configSchema, type ConfigFile } from './schema.ts';
import { readYaml, type Environment, type Source } from './source.ts';
import {
  readClientTls,
  readServerTls,
  serverTls,
  type ClientTlsConfig,
  type ServerTlsConfig,
} from './tls.ts';
import { validate } from './validate.ts';

export interface ListenerConfig {
  name: string;
  protocol: ProtocolName;
  listen: ListenAddress;
  server: Endpoint;
  /** Undefined: clients connect plain. */
  tls: ClientTlsConfig | undefined;
  serverTls: ServerTlsConfig;
  /** Of the server's URL: `check --connect` logs in with them. */
  credentials: Credentials | undefined;
}

export interface Config {
  listeners: ListenerConfig[];
  /** All loaded rules, in order. */
  rules: Rule[];
  /** Not yet run: checkExamples() does so. */
  examples: RuleExample[];
  /** What is probably not meant, but no mistake. */
  warnings: Problem[];
  ruleSet: RuleSet;
  sessionLimits: SessionLimits;
  /** Milliseconds and counts. */
  proxyLimits: {
    connections: number;
    connectionsPerClient: number | undefined;
    loginTimeout: number;
    connectTimeout: number;
    idleTimeout: number | undefined;
    keepAlive: number;
    drainTimeout: number;
  };
  /** Bytes, of all sessions together. */
  memoryBytes: number;
  /** Milliseconds. */
  factsLifetime: number;
  breaker: BreakerSettings;
  /** Undefined: off. */
  learn: LearnSettings | undefined;
  admin: { listen: TcpAddress; token: string | undefined; findings: number } | undefined;
  log: ConfigFile['log'];
  workers: ConfigFile['workers'];
  /** What is read at start only, by key of the file, in a form that can be compared. May hold secrets. */
  fixed: Readonly<Record<string, string>>;
}

/** @throws ConfigError */
export function loadFile(file: string, environment: Environment, files = new ConfigFiles()): Config {
  let text: string;
  try {
    text = files.read(file);
  } catch (error) {
    throw new ConfigError([
      { where: file, message: `cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}` },
    ]);
  }
  return loadText(file, text, environment, files);
}

/** @param file names the text in messages; paths in it are relative to the file's folder. @throws ConfigError */
export function loadText(
  file: string,
  text: string,
  environment: Environment,
  files = new ConfigFiles(),
): Config {
  const problems: Problem[] = [];
  const source = readYaml(file, text, environment, problems);
  // What could not be read would only be reported a second time.
  if (source.value === undefined && problems.length > 0) throw new ConfigError(problems);
  return load(source, dirname(resolve(file)), files, problems);
}

/** @throws ConfigError */
export function load(
  source: Source,
  folder: string,
  files = new ConfigFiles(),
  problems: Problem[] = [],
): Config {
  const file = validate(configSchema, source, problems);
  if (file === undefined) throw new ConfigError(problems);
  checkListeners(file, source, problems);
  const listeners = readListeners(file, source, folder, problems);
  checkAdmin(file, source, problems);
  const { rules, examples, warnings } = collectRules(file, source, folder, files, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  const { limits } = file;
  const { rules: _, ...atStart } = file;
  return {
    fixed: Object.fromEntries(Object.entries(atStart).map(([key, value]) => [key, JSON.stringify(value)])),
    listeners,
    rules,
    examples,
    warnings,
    ruleSet: ruleSet(rules, file.rules.tables),
    sessionLimits: {
      messageBytes: limits.message_bytes,
      inspectBytes: limits.inspect_bytes,
      rememberedIds: limits.remembered_ids,
      preparedStatements: limits.prepared_statements,
      heldBytes: limits.held_bytes,
      evidenceTimeout: limits.evidence_timeout,
    },
    proxyLimits: {
      connections: limits.connections,
      connectionsPerClient: limits.connections_per_client,
      loginTimeout: limits.login_timeout,
      connectTimeout: limits.connect_timeout,
      idleTimeout: limits.idle_timeout,
      keepAlive: limits.keepalive,
      drainTimeout: limits.drain_timeout,
    },
    memoryBytes: limits.memory_bytes,
    factsLifetime: limits.facts_lifetime,
    breaker: file.breaker,
    learn: learnSettings(file.learn),
    admin: file.admin && {
      listen: file.admin.listen,
      token: file.admin.token,
      findings: file.admin.findings,
    },
    log: file.log,
    workers: file.workers,
  };
}

function learnSettings({ mode, half_life: halfLife, ...rest }: ConfigFile['learn']): Config['learn'] {
  return mode === 'off' ? undefined : { halfLife, ...rest };
}

const noTlsThere = 'there is no TLS on a Unix socket, and nobody who could listen in: leave it out';

function readListeners(
  file: ConfigFile,
  source: Source,
  folder: string,
  problems: Problem[],
): ListenerConfig[] {
  return file.listeners.map(({ name, listen, server, tls, server_tls: written, ...rest }, index) => {
    const protocol = server.protocol ?? rest.protocol ?? 'postgres'; // the last is never needed, see checkListeners
    const place = (at: 'tls' | 'server_tls' | 'server') => ({
      folder,
      problem: (key: string, message: string) => {
        const path = ['listeners', index, ...(at === 'server' ? [at] : [at, key])];
        const setting = at === 'server' ? `listeners[${index}].server` : `listeners[${index}].${at}.${key}`;
        const prefix = source.placeNamesSetting === true ? '' : `${setting}: `;
        problems.push({ where: source.where(path), message: `${prefix}${message}` });
      },
    });
    if (written !== undefined && server.tls !== undefined)
      place('server').problem('', 'write it either as parameters of the URL or as server_tls, not both');
    if ('path' in listen && tls !== undefined && tls.mode !== 'off') place('tls').problem('mode', noTlsThere);
    const asked = written ?? server.tls;
    if ('path' in server.at && asked !== undefined && asked.mode !== 'disable' && asked.mode !== 'prefer')
      place(written === undefined ? 'server' : 'server_tls').problem('mode', noTlsThere);
    return {
      name,
      protocol,
      listen,
      server: server.at,
      credentials: server.credentials,
      tls: readClientTls(tls, place('tls')),
      serverTls: readServerTls(
        asked ?? serverTls.parse({}),
        protocol,
        place(server.tls === undefined ? 'server_tls' : 'server'),
      ),
    };
  });
}

function checkListeners(file: ConfigFile, source: Source, problems: Problem[]): void {
  const names = new Set<string>();
  const addresses = new Set<string>();
  for (const [index, { name, listen, protocol, server }] of file.listeners.entries()) {
    const complain = (key: string, message: string) =>
      problems.push({ where: source.where(['listeners', index, key]), message });
    const address = shown(listen);
    if (names.has(name)) complain('name', `two listeners are called "${name}"`);
    const anyPort = 'port' in listen && listen.port === 0;
    if (!anyPort && addresses.has(address)) complain('listen', `two listeners listen on ${address}`);
    if (server.protocol === undefined && protocol === undefined)
      complain(
        'server',
        'a socket does not tell its protocol: write postgres:///?host=… or mysql:///?socket=…',
      );
    else if (server.protocol !== undefined && protocol !== undefined && protocol !== server.protocol)
      complain('protocol', `the server's URL is one of ${server.protocol}`);
    names.add(name);
    addresses.add(address);
  }
}

function checkAdmin(file: ConfigFile, source: Source, problems: Problem[]): void {
  if (file.admin === undefined || file.admin.token !== undefined || isLoopback(file.admin.listen.host))
    return;
  problems.push({
    where: source.where(['admin', 'listen']),
    message:
      'admin.listen: an address that others can reach needs admin.token, because findings name tables and rules',
  });
}
