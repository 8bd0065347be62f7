/**
 * The admin port: plain HTTP, read only. /healthz and /readyz answer anybody who gets here, as probes have no secrets;
 * /metrics and /findings name rules and tables, so they want the token where there is one. Without one the port is on
 * loopback (config sees to that), and only names of the machine itself are accepted as Host, so that a web page cannot
 * read it through a name that it points here.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopback } from '../config/loopback.ts';
import type { Findings } from './findings.ts';

export interface AdminOptions {
  listen: { host: string; port: number };
  token: string | undefined;
  findings: Findings;
  metrics: { readonly contentType: string; metrics(): Promise<string> };
  /** False while starting and draining. */
  ready: () => boolean;
}

const requestTimeoutMs = 5_000;

export class AdminServer {
  readonly #options: AdminOptions;
  readonly #server: Server;

  constructor(options: AdminOptions) {
    if (options.token === undefined && !isLoopback(options.listen.host))
      throw new Error('admin: this address needs a token');
    this.#options = options;
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
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0];
    const send = (status: number, body: string, type = 'text/plain; charset=utf-8') =>
      response
        .writeHead(status, {
          'content-type': type,
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
        })
        .end(body);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      send(405, 'only GET\n');
    } else if (path === '/healthz') send(200, 'ok\n');
    else if (path === '/readyz') {
      const ready = this.#options.ready();
      send(ready ? 200 : 503, ready ? 'ready\n' : 'not ready\n');
    } else if (path !== '/metrics' && path !== '/findings') send(404, 'not found\n');
    else if (!this.#mayRead(request)) {
      response.setHeader('www-authenticate', 'Bearer');
      send(401, 'not allowed\n');
    } else if (path === '/metrics')
      send(200, await this.#options.metrics.metrics(), this.#options.metrics.contentType);
    else send(200, `${JSON.stringify({ findings: this.#options.findings.list() })}\n`, 'application/json');
  }

  #mayRead(request: IncomingMessage): boolean {
    const { token } = this.#options;
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
