import { createServer as createHttp, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws';
import type { Limits, ListenTls } from './options.ts';
import { tlsServerOptions } from './tls.ts';

/** Where MQTT over WebSocket is, as with RabbitMQ's plugin. */
const PATH = '/ws';

export interface WebSocketOptions {
  readonly tls: ListenTls | undefined;
  readonly limits: Limits;
  enter(stream: Duplex, socket: Socket): void;
  refused(detail: string, address: string): void;
}

export interface WebSocketEnd {
  /** Takes a connection that has said nothing yet. */
  readonly take: (socket: Socket) => void;
  readonly renew: (tls: ListenTls) => void;
  close(): void;
}

/** Makes streams of MQTT bytes of WebSocket connections, and answers in HTTP what is none. */
export function webSocketEnd(options: WebSocketOptions): WebSocketEnd {
  const { limits, tls } = options;
  const timeouts = { headersTimeout: limits.connectTimeoutMs, requestTimeout: limits.connectTimeoutMs, connectionsCheckingInterval: CHECK_MS };
  const answer: RequestListener = (request, response) => {
    const [status, text] = pathOf(request) === PATH ? [426, NO_UPGRADE] : [404, NOT_HERE];
    options.refused(text, request.socket.remoteAddress ?? '');
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close', ...(status === 426 ? { upgrade: 'websocket' } : {}) });
    response.end(`${text}\n`);
  };
  const http = tls === undefined ? createHttp(timeouts, answer) : createHttps({ ...timeouts, ...tlsServerOptions(tls, limits) }, answer);
  // A message may hold several packets, and parts of them (MQTT-6.0.0-2).
  const ws = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 2 * limits.maxPacketBytes, handleProtocols: () => SUBPROTOCOL });
  http.on('upgrade', (request, socket, head) => {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    const fault = pathOf(request) !== PATH ? NOT_HERE : offered.includes(SUBPROTOCOL) ? undefined : NO_SUBPROTOCOL;
    if (fault !== undefined) {
      options.refused(fault, request.socket.remoteAddress ?? '');
      socket.end(
        `HTTP/1.1 ${fault === NOT_HERE ? '404 Not Found' : '400 Bad Request'}\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n${fault}\n`,
      );
      return;
    }
    ws.handleUpgrade(request, socket, head, (webSocket) => options.enter(streamOf(webSocket), request.socket));
  });
  http.on('tlsClientError', (error, socket) => options.refused(`TLS: ${error.message}`, socket.remoteAddress ?? ''));
  return {
    take: (socket) => void http.emit('connection', socket),
    renew(next) {
      if ('setSecureContext' in http) http.setSecureContext(tlsServerOptions(next, limits));
    },
    close: () => http.closeAllConnections(),
  };
}

const SUBPROTOCOL = 'mqtt';
/** How often Node.js looks for requests that take too long; 30 s by default. */
const CHECK_MS = 2000;
const NOT_HERE = `MQTT over WebSocket is at ${PATH}, and there is nothing else.`;
const NO_UPGRADE = `This is MQTT over WebSocket: connect with an MQTT client to ws(s)://HOST:PORT${PATH}.`;
const NO_SUBPROTOCOL = `Offer the WebSocket subprotocol "${SUBPROTOCOL}" (MQTT-6.0.0-3).`;

function pathOf(request: IncomingMessage): string {
  return request.url?.split('?', 1)[0] ?? '';
}

function streamOf(webSocket: WebSocket): Duplex {
  // MQTT-6.0.0-1: binary frames only. Before the stream hears of it.
  webSocket.on('message', (_data, binary) => {
    if (!binary) webSocket.terminate();
  });
  return createWebSocketStream(webSocket);
}
