import { createServer, type Server, type TlsOptions, type TLSSocket } from 'node:tls';
import type { Socket } from 'node:net';
import type { Limits, ListenTls } from './options.ts';

/** In the words of `tls.createServer`. */
export function tlsServerOptions(tls: ListenTls, limits: Limits): TlsOptions {
  const { clientCertificates, ...files } = tls;
  return {
    ...files,
    minVersion: tls.minVersion ?? 'TLSv1.2',
    handshakeTimeout: limits.connectTimeoutMs,
    requestCert: clientCertificates !== 'none',
    rejectUnauthorized: clientCertificates === 'required',
  };
}

export interface TlsEnd {
  /** Takes a connection that has said nothing yet. */
  readonly take: (socket: Socket) => void;
  /** For connections from now on. */
  readonly renew: (tls: ListenTls) => void;
}

export function tlsEnd(tls: ListenTls, limits: Limits, enter: (socket: TLSSocket) => void, refused: (detail: string, address: string) => void): TlsEnd {
  const server: Server = createServer(tlsServerOptions(tls, limits), (socket) => {
    // With `optional` whoever shows a certificate must show one that holds.
    const shown = tls.clientCertificates === 'optional' && !socket.authorized && Object.keys(socket.getPeerCertificate()).length > 0;
    if (!shown) {
      enter(socket);
      return;
    }
    refused(`a client certificate that does not hold: ${String(socket.authorizationError)}`, socket.remoteAddress ?? '');
    socket.destroy();
  });
  server.on('tlsClientError', (error, socket) => refused(error.message, socket.remoteAddress ?? ''));
  return {
    take: (socket) => void server.emit('connection', socket),
    renew: (next) => server.setSecureContext(tlsServerOptions(next, limits)),
  };
}
