import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isLoopback } from './host-guard.ts';
import { RequestProblem, refuse } from './request.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Changes nothing although its method is POST: who may read may send it. */
    reads?: boolean;
  }
}

export interface Access {
  /** Address that is listened on. */
  readonly host: string;
  /** `http.token`. */
  readonly token: string | undefined;
}

const READING: readonly string[] = ['GET', 'HEAD'];

/**
 * Who may use `/api`: on loopback everybody reads; elsewhere, and for what changes something, the request must show the
 * token. For the `onRequest` hook, so before a body is read.
 */
export function guardAccess({ host, token }: Access): (request: FastifyRequest, reply: FastifyReply, done: () => void) => void {
  const open = isLoopback(host);
  return (request, reply, done) => {
    const reads = READING.includes(request.method) || request.routeOptions.config.reads === true;
    const problem = open && reads ? undefined : problemWith(token, request.headers.authorization);
    if (problem === undefined) done();
    else refuse(reply, problem);
  };
}

/** Undefined for who shows the token (RFC 6750, section 2.1). */
function problemWith(token: string | undefined, authorization: string | undefined): RequestProblem | undefined {
  if (token === undefined) {
    return new RequestProblem(
      403,
      'Forbidden',
      'The gateway has no token for this. Set `http.token` in its settings, for instance to ${SLUICE_HTTP_TOKEN}, and restart it.',
    );
  }
  const [, shown] = /^Bearer +([^ ]+) *$/i.exec(authorization ?? '') ?? [];
  if (shown === undefined) return new RequestProblem(401, 'Unauthorized', 'Send the header `Authorization: Bearer TOKEN` with the value of `http.token`.');
  // Digests have one length, and how long a comparison takes says nothing about the token.
  return timingSafeEqual(digest(shown), digest(token)) ? undefined : new RequestProblem(401, 'Unauthorized', 'This is not the token of `http.token`.');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
