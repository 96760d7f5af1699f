import type { FastifyReply, FastifyRequest } from 'fastify';

/** Whether only this machine reaches an address that is listened on. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|(::ffff:)?127(\.\d{1,3}){3}|::1)$/i.test(host);
}

/** The name in a `Host` header, without its port; undefined where it is none. */
function nameIn(header: string): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[^\s:/@[\]]+)(:\d{1,5})?$/i
    .exec(header)?.[1]
    ?.toLowerCase()
    .replaceAll(/^\[|\]$|\.$/g, '');
}

/**
 * Which `Host` names are answered. A web page can make a name of its own point to 127.0.0.1 (DNS rebinding) and would
 * then read what only this machine may read; but it cannot hide that name. On an address that others reach it protects
 * nobody, so there it holds only where names are given.
 */
export function hostGuard(listenOn: string, allowed: readonly string[]): (header: string | undefined) => boolean {
  const names = new Set(allowed.map((name) => name.toLowerCase()));
  if (!isLoopback(listenOn) && names.size === 0) return () => true;
  return (header) => {
    // HTTP/1.1 cannot leave it out (Node.js answers 400), and no browser speaks 1.0.
    if (header === undefined) return true;
    const name = nameIn(header);
    return name !== undefined && (isLoopback(name) || name === listenOn.toLowerCase() || names.has(name));
  };
}

/** For the `onRequest` hook: answers 421 (RFC 9110, 15.5.20) by `refuse` where the name is not one of ours. */
export function guardHosts(
  listenOn: string,
  allowed: readonly string[],
  refuse: (reply: FastifyReply) => FastifyReply,
): (request: FastifyRequest, reply: FastifyReply, done: () => void) => void {
  const ours = hostGuard(listenOn, allowed);
  return (request, reply, done) => {
    if (ours(request.headers.host)) done();
    else refuse(reply);
  };
}
