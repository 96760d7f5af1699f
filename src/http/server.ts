import fastify, { type FastifyError, type FastifyInstance, type FastifyPluginAsync, type FastifyReply, type FastifyRequest } from 'fastify';
import { Unavailable } from '../domain/unavailable.ts';
import { health } from './health.ts';
import { guardHosts } from './host-guard.ts';
import { indexPage } from './index-page.ts';
import { PROBLEM_JSON, problem, toJson } from './json.ts';
import { metrics } from './metrics.ts';
import type { MetricsProvider, StatusProvider } from './ports.ts';
import { RateSampler } from './rates.ts';
import { status } from './status.ts';

export interface HttpServerOptions {
  /** Address to listen on; 127.0.0.1 when absent. The endpoints have no log-in: whoever reaches them can read them. */
  readonly host?: string;
  /** `Host` names that are answered besides those of loopback; see `hostGuard`. */
  readonly allowedHosts?: readonly string[];
  /** 0 takes a free one. */
  readonly port: number;
  readonly status: StatusProvider;
  readonly metrics: MetricsProvider;
  /** For a whole request; 10 s when absent. */
  readonly requestTimeoutMs?: number;
  /** Further pages (console, administration), each registered in a context of its own. */
  readonly plugins?: readonly FastifyPluginAsync[];
  /** Told of what a handler threw: a bug of ours, which the answer does not describe. */
  readonly onError?: (error: Error) => void;
}

export interface HttpServer {
  /** Listens. Rejects with `HttpListenError` where the address cannot be had. Once. */
  start(): Promise<{ readonly address: string; readonly port: number }>;
  /** Ends every connection and stops listening. May be called at any time, more than once. */
  close(): Promise<void>;
}

/** The address cannot be listened on; the message says which and what to do. */
export class HttpListenError extends Unavailable {
  readonly code: string;

  constructor(code: string, message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'HttpListenError';
    this.code = code;
  }
}

const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there; stop it or set another http.port',
  EACCES: 'this user may not listen there; ports below 1024 often need a right',
  EADDRNOTAVAIL: 'this machine has no such address; check http.host',
  ENOTFOUND: 'the name is not known; check http.host',
};

const HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** Enough for a filter of dead letters; a page that reads more says so. */
const BODY_LIMIT = 64 * 1024;
/** For a whole request, its headers included: whoever sends them drop by drop (slowloris) is cut. */
const REQUEST_TIMEOUT_MS = 10_000;
/** How often Node.js looks for requests that take too long; 30 s by default. */
const CHECK_MS = 2000;
const HEADER_BYTES = 16 * 1024;
/** More wait in the kernel. Bounds what open connections can cost. */
const MOST_CONNECTIONS = 256;
const READ_METHODS = 'GET, HEAD';

function sendProblem(reply: FastifyReply, code: number, title: string, detail: string): FastifyReply {
  return reply
    .code(code)
    .header('content-type', PROBLEM_JSON)
    .send(problem(code, title, detail));
}

function notFound(app: FastifyInstance): (request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  return (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    if (app.hasRoute({ method: 'GET', url: path })) {
      return sendProblem(reply.header('allow', READ_METHODS), 405, 'Method Not Allowed', `${path} can only be read.`);
    }
    return sendProblem(reply, 404, 'Not Found', `There is nothing at ${path.slice(0, 200)}.`);
  };
}

function onError(report: (error: Error) => void): (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  return (error, _request, reply) => {
    const code = error.statusCode ?? 500;
    if (code < 500) return sendProblem(reply, code, 'Bad Request', error.message);
    report(error);
    return sendProblem(reply, code, 'Internal Server Error', 'The gateway failed to answer; its log says why.');
  };
}

/** The application without a socket, for tests (`inject`) and for `createHttpServer`. */
export function buildHttp(options: HttpServerOptions, sampler: RateSampler): FastifyInstance {
  const fail = onError(options.onError ?? (() => undefined));
  const { requestTimeoutMs = REQUEST_TIMEOUT_MS } = options;
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    requestTimeout: requestTimeoutMs,
    // Names of devices have up to 255 characters, percent-encoded in up to twelve each.
    routerOptions: { maxParamLength: 4096 },
    http: { headersTimeout: requestTimeoutMs, connectionsCheckingInterval: Math.min(CHECK_MS, requestTimeoutMs), maxHeaderSize: HEADER_BYTES },
    // A connection that idles or streams would hold up the end of the drain.
    forceCloseConnections: true,
    frameworkErrors: (error, request, reply) => {
      fail(error, request, reply);
    },
  });
  app.server.maxConnections = MOST_CONNECTIONS;
  app.setReplySerializer(toJson);
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(HEADERS);
    done();
  });
  const misdirected = (reply: FastifyReply): FastifyReply =>
    sendProblem(reply, 421, 'Misdirected Request', 'This name is not one of the gateway. Use its address, or add the name to http.allowedHosts.');
  app.addHook('onRequest', guardHosts(options.host ?? '127.0.0.1', options.allowedHosts ?? [], misdirected));
  app.setNotFoundHandler(notFound(app));
  app.setErrorHandler(fail);
  for (const plugin of [health(options.status), metrics(options.metrics), status(options.status, sampler), ...(options.plugins ?? [])]) {
    app.register(plugin);
  }
  app.register(indexPage(options.status));
  return app;
}

/** The HTTP side of the gateway: health, metrics, status. Starts nothing before `start`. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const host = options.host ?? '127.0.0.1';
  const sampler = new RateSampler(options.status);
  const app = buildHttp(options, sampler);

  return {
    async start() {
      try {
        await app.listen({ host, port: options.port });
      } catch (error) {
        await app.close();
        const code = (error as NodeJS.ErrnoException).code ?? 'UNKNOWN';
        const hint = LISTEN_ERRORS[code] ?? (error as Error).message;
        throw new HttpListenError(code, `HTTP cannot listen on ${host} port ${options.port} (${code}): ${hint}`, error);
      }
      sampler.start();
      const bound = app.server.address();
      return bound === null || typeof bound === 'string' ? { address: host, port: options.port } : { address: bound.address, port: bound.port };
    },
    async close() {
      sampler.close();
      await app.close();
    },
  };
}
