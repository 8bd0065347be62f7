/**
 * The admin port: plain HTTP, read only. /healthz and /readyz answer anybody who gets here, as probes have no secrets, and
 * so do the dashboard's own files, which say nothing. /metrics, /findings, /suggestions and /events, from which the dashboard lives, name
 * rules and tables, so they want the token where there is one. Without one the port is on loopback (config sees to that), and
 * only names of the machine itself are accepted as Host, so that a web page cannot read it through a name that it points here.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopback } from '../config/loopback.ts';
import { Events } from './events.ts';
import type { Findings } from './findings.ts';
import { History, type HistorySource } from './history.ts';
import { contentSecurityPolicy, readPages } from './pages.ts';

export interface AdminOptions extends HistorySource {
  listen: { host: string; port: number };
  token: string | undefined;
  findings: Findings;
  /** A file of rules; undefined: nothing is learnt. */
  suggestions?: (() => string) | undefined;
  /** False while starting and draining. */
  ready: () => boolean;
}

const requestTimeoutMs = 5_000;

const protectedPaths = new Set(['/metrics', '/findings', '/suggestions', '/events']);

const headers: readonly [string, string][] = [
  ['cache-control', 'no-store'],
  ['x-content-type-options', 'nosniff'],
  ['content-security-policy', contentSecurityPolicy],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-resource-policy', 'same-origin'],
];

export class AdminServer {
  readonly #options: AdminOptions;
  readonly #server: Server;
  readonly #pages = readPages();
  readonly #events: Events;

  constructor(options: AdminOptions) {
    if (options.token === undefined && !isLoopback(options.listen.host))
      throw new Error('admin: this address needs a token');
    this.#options = options;
    this.#events = new Events(options.findings, new History(options));
    this.#server = createServer(
      { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs },
      (request, response) => {
        this.#answer(request, response).catch(() => response.writeHead(500).end());
      },
    );
    this.#server.maxConnections = 64;
  }

  /** @throws what listen() reports */
  start(): Promise<AddressInfo> {
    const { host, port } = this.#options.listen;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        this.#events.start();
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  stop(): void {
    this.#events.stop();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const { metrics, findings, suggestions, ready } = this.#options;
    for (const [name, value] of headers) response.setHeader(name, value);
    const send = (status: number, body: string | Buffer, type = 'text/plain; charset=utf-8') =>
      response.writeHead(status, { 'content-type': type }).end(body);
    const page = this.#pages.get(path);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      send(405, 'only GET\n');
    } else if (path === '/healthz') send(200, 'ok\n');
    else if (path === '/readyz') {
      send(ready() ? 200 : 503, ready() ? 'ready\n' : 'not ready\n');
    } else if (page !== undefined) send(200, page.body, page.type);
    else if (!protectedPaths.has(path)) send(404, 'not found\n');
    else if (!this.#mayRead(request)) {
      response.setHeader('www-authenticate', 'Bearer');
      send(401, 'not allowed\n');
    } else if (path === '/metrics') send(200, await metrics.metrics(), metrics.contentType);
    else if (path === '/findings')
      send(200, `${JSON.stringify({ findings: findings.list() })}\n`, 'application/json');
    else if (path === '/suggestions') {
      if (suggestions === undefined) send(404, 'nothing is learnt: see the key learn\n');
      else send(200, suggestions(), 'application/yaml; charset=utf-8');
    } else if (request.method === 'HEAD') send(200, '', 'text/event-stream');
    else if (!(await this.#events.add(response))) send(503, 'too many readers\n');
  }

  #mayRead(request: IncomingMessage): boolean {
    const { token } = this.#options;
    // A page of another site could not read the answer, but take up the places of those who may.
    const site = request.headers['sec-fetch-site'] ?? 'none';
    if (site !== 'none' && site !== 'same-origin') return false;
    if (token === undefined) return isLoopback(hostName(request.headers.host ?? ''));
    const [, given] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
    // Hashes have one length, so that the comparison tells nothing about the token's.
    return given !== undefined && timingSafeEqual(digest(given), digest(token));
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Without port and brackets. */
function hostName(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}
