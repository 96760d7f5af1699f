import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { Aedes, type AedesOptions, type PublishPacket } from 'aedes';
import type { AedesBroker, AedesClient, IncomingPublish, WiredStream } from './aedes-client.ts';
import { Audience } from './audience.ts';
import { Counters } from './counters.ts';
import { Door } from './door.ts';
import { doNotWait, forgetOnlyItself, forward } from './fan-out.ts';
import { Admission } from './limits/admission.ts';
import { HoldPool } from './limits/hold-pool.ts';
import { Throttle } from './limits/throttle.ts';
import { UserClients } from './limits/user-clients.ts';
import { LoginHooks } from './login.ts';
import { limitsOf, type ListenTls, type MqttListenerOptions } from './options.ts';
import type { LocalMessage } from '../ports.ts';
import type { Refusal, Transport } from './ports.ts';
import { PublishHook } from './publish-hook.ts';
import type { Shared } from './shared.ts';
import { tlsEnd } from './tls.ts';
import { webSocketEnd } from './websocket.ts';
import { Wire } from './wire.ts';

/** How often connections are looked at: what is late, and who is not read and so cannot be heard. */
const SWEEP_MS = 500;
/** How often `close` looks whether everything is acknowledged. */
const DRAIN_MS = 10;

/** Ports that were bound. */
export interface BoundPorts {
  readonly tcp?: number;
  readonly tls?: number;
  readonly ws?: number;
}

/** MQTT 3.1 and 3.1.1 for devices. A PUBLISH is acknowledged when the keeper says that it is safe. */
export class MqttListener {
  readonly counters = new Counters();
  private readonly options: MqttListenerOptions;
  private readonly doors: Door[] = [];
  private readonly renewals: ((tls: ListenTls) => void)[] = [];
  private shared: Shared | undefined = undefined;
  private admission: Admission | undefined = undefined;
  private sweeper: NodeJS.Timeout | undefined = undefined;
  private closing: Promise<void> | undefined = undefined;

  constructor(options: MqttListenerOptions) {
    this.options = options;
  }

  /** Listens. Rejects with `ListenError` or `LimitError`. Once. */
  async start(): Promise<BoundPorts> {
    const limits = limitsOf(this.options.limits);
    const shared = await this.broker(limits);
    this.shared = shared;
    this.admission = new Admission(limits, this.counters, shared.emit);
    this.sweeper = setInterval(() => {
      const now = Date.now();
      for (const wire of shared.wires) wire.sweep(now);
    }, SWEEP_MS);
    try {
      return await this.open(shared);
    } catch (error) {
      await this.close(0);
      throw error;
    }
  }

  /** To local subscribers and their queues; not to the keeper. Resolves when it is stored for those who are away. */
  publish(message: LocalMessage): Promise<void> {
    const { shared } = this;
    if (shared === undefined || this.closing !== undefined) return Promise.reject(new Error('the MQTT listener is not running'));
    const packet: PublishPacket = { cmd: 'publish', dup: false, ...message };
    return new Promise((resolve, reject) => {
      shared.broker.publish(packet, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Certificates for connections from now on. */
  renewTls(tls: ListenTls): void {
    for (const renew of this.renewals) renew(tls);
  }

  /**
   * Reads nothing more, and ends when what was read is acknowledged, or after the deadline. Wills are not published: they stay in
   * the store of sessions, for those who do not come back.
   */
  close(deadlineMs: number): Promise<void> {
    this.closing ??= this.end(performance.now() + deadlineMs);
    return this.closing;
  }

  private async end(deadline: number): Promise<void> {
    const { shared } = this;
    if (shared === undefined) return;
    shared.closing = true;
    this.admission?.stop();
    const closed = this.doors.map((door) => door.close());
    const unacknowledged = (): number => [...shared.wires].reduce((left, wire) => left - wire.coming, this.counters.heldMessagesNow);
    while (unacknowledged() > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, DRAIN_MS));
    // The last acknowledgements are written in this turn of the loop.
    await new Promise((resolve) => setTimeout(resolve, DRAIN_MS));
    clearInterval(this.sweeper);
    shared.throttled.stop();
    for (const { client, conn } of shared.wires) {
      conn.wire.reason ??= 'shutdown';
      client.will = null;
    }
    const left = new Promise<void>((resolve) => shared.broker.close(() => resolve()));
    await Promise.race([left, new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
    for (const door of this.doors) door.destroy();
    await Promise.all(closed);
  }

  private async broker(limits: Shared['limits']): Promise<Shared> {
    const { keeper, access, sessions, qos0, persistence, onEvent } = this.options;
    const { counters } = this;
    const emit = onEvent ?? (() => undefined);
    let hooks: { publish: PublishHook; login: LoginHooks } | undefined;
    const options: AedesOptions = {
      persistence,
      // Messages that are being handed out at once; see `doNotWait`.
      concurrency: 0,
      // These deadlines are kept in `Wire.sweep`; here they are the second line.
      connectTimeout: 2 * limits.connectTimeoutMs + 4 * SWEEP_MS,
      drainTimeout: 10 * limits.drainTimeoutMs,
      maxClientsIdLength: 65_535,
      maxInflightInbound: 65_535,
      preConnect: (client, packet, done) => hooks?.login.connect(client as AedesClient, packet, done),
      authenticate: (client, username, password, done) => hooks?.login.authenticate(client as AedesClient, username, password, done),
      authorizePublish: (client, packet, go) => hooks?.publish.publish(client as AedesClient | null, packet as IncomingPublish, go),
      authorizeSubscribe: (client, subscription, done) => hooks?.login.subscribe(client as AedesClient, subscription, done),
      authorizeForward: (client, packet) => forward(shared, client as AedesClient, packet),
      published(packet, client, done) {
        hooks?.publish.published(packet, client as AedesClient | null);
        done();
      },
    };
    const broker = (await Aedes.createBroker(options)) as AedesBroker;
    const shared: Shared = {
      broker,
      limits,
      pool: new HoldPool(limits.maxHeldMessages, limits.maxHeldBytes, counters),
      counters,
      audience: new Audience(broker, sessions),
      users: new UserClients({
        most: limits.clientsPerUser,
        isConnected: (id) => broker.clients[id]?.closed === false,
        hasSession: (id) => sessions.hasSession(id),
        sessionIds: () => sessions.sessionIds(),
        ownerOf: (id) => access.ownerOf(id),
      }),
      wires: new Set(),
      throttled: new Throttle(),
      emit,
      now: Date.now(),
      closing: false,
    };
    const publish = new PublishHook({ shared, keeper, access, sessions, qos0 });
    hooks = { publish, login: new LoginHooks({ shared, access, sessions }) };
    sessions.permits = (client, filter) => access.maySubscribe((client as AedesClient).conn.wire.who, (client as AedesClient).id, filter);
    doNotWait(broker);
    forgetOnlyItself(broker);
    broker.on('connackSent', (packet, client) => {
      if (packet.returnCode === 0) (client as AedesClient).conn.wire.welcome(publish.ids);
    });
    broker.on('keepaliveTimeout', (client) => {
      (client as AedesClient).conn.wire.reason ??= 'keepalive';
    });
    (broker as NodeJS.EventEmitter).on('error', (error: Error) => emit({ kind: 'fault', clientId: '', error }));
    return shared;
  }

  private async open(shared: Shared): Promise<BoundPorts> {
    const { tcp, tls, ws } = this.options;
    const refused =
      (reason: Refusal) =>
      (detail: string, address: string): void => {
        this.counters.refused[reason]++;
        shared.emit({ kind: 'refused', reason, clientId: '', address, detail });
      };
    const ports: { tcp?: number; tls?: number; ws?: number } = {};
    if (tcp !== undefined) {
      ports.tcp = await this.door('MQTT', (socket) => this.adopt(socket, socket, 'tcp')).open(tcp);
    }
    if (tls !== undefined) {
      const { host, port, ...files } = tls;
      const end = tlsEnd(files, shared.limits, (socket) => this.adopt(socket, socket, 'tls'), refused('tls'));
      this.renewals.push(end.renew);
      ports.tls = await this.door('MQTT over TLS', end.take).open({ host, port });
    }
    if (ws !== undefined) {
      const transport = ws.tls === undefined ? 'ws' : 'wss';
      const enter = (stream: Duplex, socket: Socket): void => this.adopt(stream, socket, transport);
      const end = webSocketEnd({ tls: ws.tls, limits: shared.limits, enter, refused: refused('websocket') });
      this.renewals.push(end.renew);
      ports.ws = await this.door('MQTT over WebSocket', end.take).open(ws);
    }
    return ports;
  }

  private door(what: string, enter: (socket: Socket) => void): Door {
    const door = new Door(what, (socket) => this.admission?.arrive(socket, enter));
    this.doors.push(door);
    return door;
  }

  private adopt(stream: Duplex, socket: Socket, transport: Transport): void {
    const { shared } = this;
    if (shared === undefined || shared.closing || stream.destroyed) {
      stream.destroy();
      return;
    }
    const conn = stream as WiredStream;
    const client = shared.broker.handle(conn) as AedesClient;
    const wire = new Wire(shared, conn, client, transport, socket.remoteAddress ?? '', Date.now());
    if (transport === 'tls' || transport === 'wss') wire.secure = socket as TLSSocket;
  }
}
