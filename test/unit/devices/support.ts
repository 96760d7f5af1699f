import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { Clock } from '../../../devices/clock.ts';

export interface Seen {
  readonly clientId: string;
  readonly topic: string;
  readonly text: string;
  readonly payload: Buffer;
  readonly qos: number;
  readonly dup: boolean;
  readonly packetId: number | undefined;
}

export interface Connect {
  readonly clientId: string;
  readonly clean: boolean;
  readonly username: string | undefined;
  readonly will: string | undefined;
  readonly willPayload: Buffer | undefined;
}

export interface BrokerOptions {
  /** Called for each PUBLISH before it is acknowledged; not calling `accept` withholds the PUBACK. */
  onPublish?(seen: Seen, accept: () => void): void;
  /** CONNACK return code for a refusal, or undefined. */
  refuse?(username: string | undefined, password: string | undefined): number | undefined;
  refuseSubscriptions?: boolean;
  port?: number;
}

/** An MQTT 3.1.1 broker in this process, over TCP and over WebSocket, that remembers what it was sent. */
export async function startBroker(options: BrokerOptions = {}) {
  /** Each PUBLISH packet as it arrived. */
  const arrived: Seen[] = [];
  /** What subscribers would see, wills included. */
  const published: { topic: string; text: string; payload: Buffer }[] = [];
  const connects: Connect[] = [];
  const subprotocols: string[] = [];
  const streams = new Set<{ destroy(): unknown }>();
  const aedes = await Aedes.createBroker({
    preConnect(_client, packet, done) {
      const will =
        packet.will === undefined ? undefined : `${packet.will.topic} ${String(packet.will.payload)} qos ${packet.will.qos} retain ${packet.will.retain}`;
      connects.push({
        clientId: packet.clientId,
        clean: packet.clean === true,
        username: packet.username,
        will,
        willPayload: packet.will && Buffer.from(packet.will.payload),
      });
      done(null, true);
    },
    authenticate(_client, username, password, done) {
      const code = options.refuse?.(username, password?.toString());
      if (code === undefined) {
        done(null, true);
      } else {
        done(Object.assign(new Error('refused'), { returnCode: code }), false);
      }
    },
    authorizePublish(client, packet, done) {
      const id = (packet as { messageId?: number }).messageId;
      const payload = Buffer.from(packet.payload);
      const seen = { clientId: client?.id ?? '', topic: packet.topic, text: String(payload), payload, qos: packet.qos, dup: packet.dup, packetId: id };
      if (client === null) {
        done();
        return;
      }
      arrived.push(seen);
      if (options.onPublish === undefined) {
        done();
      } else {
        options.onPublish(seen, () => done());
      }
    },
  });
  if (options.refuseSubscriptions === true) {
    aedes.authorizeSubscribe = (_client, _subscription, done) => done(null, null);
  }
  aedes.on('publish', (packet) => {
    if (!packet.topic.startsWith('$SYS')) {
      published.push({ topic: packet.topic, text: String(packet.payload), payload: Buffer.from(packet.payload) });
    }
  });
  const tcp = createServer((socket) => {
    streams.add(socket);
    socket.on('close', () => streams.delete(socket));
    aedes.handle(socket);
  });
  await new Promise<void>((resolve) => tcp.listen(options.port ?? 0, '127.0.0.1', resolve));
  const http = createHttpServer();
  const ws = new WebSocketServer({
    server: http,
    path: '/ws',
    handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : false),
  });
  ws.on('connection', (socket, request) => {
    subprotocols.push(socket.protocol);
    const stream = createWebSocketStream(socket);
    streams.add(stream);
    stream.on('close', () => streams.delete(stream));
    stream.on('error', () => {});
    aedes.handle(stream, request);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const port = (tcp.address() as AddressInfo).port;
  const dropAll = (): void => {
    for (const stream of streams) {
      stream.destroy();
    }
  };
  return {
    aedes,
    arrived,
    published,
    connects,
    subprotocols,
    port,
    mqttUrl: `mqtt://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/ws`,
    dropAll,
    async close(): Promise<void> {
      const closed = [tcp, http].map((server) => new Promise((resolve) => server.close(resolve)));
      dropAll();
      ws.close();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      await Promise.all(closed);
    },
  };
}

export type Broker = Awaited<ReturnType<typeof startBroker>>;

/** Polls until the condition holds; fails loudly at the deadline. */
export async function until(what: string, condition: () => boolean, deadlineMs = 10_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > end) {
      throw new Error(`not within ${deadlineMs} ms: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export function temporaryFolder(): { path: (name: string) => string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-devices-'));
  return { path: (name) => join(folder, name), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A clock that moves only when told to. */
export class FakeClock implements Clock {
  private ms = 0;
  private timers: { at: number; fn: () => void }[] = [];
  now = (): number => 1_700_000_000_000 + this.ms;
  monotonic = (): number => this.ms;
  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.ms + Math.max(0, ms), fn };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }
  /** Runs every timer up to `ms` from now, in order. */
  advance(ms: number): void {
    const end = this.ms + ms;
    for (;;) {
      const next = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) {
        break;
      }
      this.timers = this.timers.filter((other) => other !== next);
      this.ms = Math.max(this.ms, next.at);
      next.fn();
    }
    this.ms = end;
  }
  /** Time passes and no timer fires: the event loop was busy. */
  stall(ms: number): void {
    this.ms += ms;
  }
}
