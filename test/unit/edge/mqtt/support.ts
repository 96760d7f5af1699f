import { connect as connectTcp, type Socket } from 'node:net';
import memory from 'aedes-persistence';
import { onTestFinished } from 'vitest';
import { MqttListener } from '../../../../src/edge/mqtt/listener.ts';
import type { MqttListenerOptions } from '../../../../src/edge/mqtt/options.ts';
import type { Access, ListenerEvent, Login, LoginAnswer, SessionExtras } from '../../../../src/edge/mqtt/ports.ts';
import type { Keeper, KeptMessage, LocalMessage } from '../../../../src/edge/ports.ts';
import * as packets from './packets.ts';

type Done = (error: Error | undefined) => void;

/** Keeps at once, or when the test says. */
export class FakeKeeper implements Keeper {
  readonly asked: KeptMessage[] = [];
  readonly offered: KeptMessage[] = [];
  /** What waits, in the order of the calls; with `hold` nothing is kept by itself. */
  readonly waiting: { readonly message: KeptMessage; readonly done: Done }[] = [];
  hold = false;
  takes = true;

  keep(message: KeptMessage, done: Done): void {
    this.asked.push(message);
    if (this.hold) this.waiting.push({ message, done });
    else done(undefined);
  }

  offer(message: KeptMessage): boolean {
    this.offered.push(message);
    return this.takes;
  }

  /** Settles the one at this place of those that wait. */
  settle(at = 0, error?: Error): void {
    const [one] = this.waiting.splice(at, 1);
    if (one === undefined) throw new Error('nothing waits');
    one.done(error);
  }

  settleAll(): void {
    while (this.waiting.length > 0) this.settle();
  }

  get texts(): string[] {
    return this.asked.map(({ payload }) => payload.toString());
  }
}

interface Packet {
  readonly messageId?: number;
  readonly payload: Buffer;
}

/** What is used here of aedes' store in memory. */
interface MemoryStore {
  addSubscriptions(client: { readonly id: string }, subscriptions: readonly object[]): Promise<void>;
  storeRetained(packet: object): Promise<void>;
  incomingStorePacket(client: { readonly id: string }, packet: Packet): Promise<void>;
  incomingDelPacket(client: { readonly id: string }, packet: Packet): Promise<void>;
  cleanIncoming(client: { readonly id: string }): Promise<void>;
  putWill(client: { readonly id: string }, packet: object): Promise<object | undefined>;
  delWill(client: { readonly id: string }): Promise<object | undefined>;
  getWill(client: { readonly id: string }): Promise<object | undefined>;
}

/** aedes' store in memory, with what the listener asks of it besides. */
export class FakeSessions implements SessionExtras {
  permits: (client: object, filter: string) => boolean = () => true;
  readonly local: LocalMessage[] = [];
  readonly waiting: Done[] = [];
  holdLocal = false;
  room = true;
  /** Subscriptions of persistent sessions so far. */
  subscribed = 0;
  /** Clients with a session. */
  readonly sessions = new Set<string>();
  readonly store = ((memory as unknown as () => unknown)() as { readonly asyncPersistence: MemoryStore }).asyncPersistence;
  private readonly ids = new Map<string, Set<number>>();
  private readonly kept = new WeakSet<Buffer>();
  private readonly retain: MemoryStore['storeRetained'];

  constructor() {
    const { store, ids, kept } = this;
    const incomingStorePacket = store.incomingStorePacket.bind(store);
    const incomingDelPacket = store.incomingDelPacket.bind(store);
    const cleanIncoming = store.cleanIncoming.bind(store);
    const storeRetained = store.storeRetained.bind(store);
    const addSubscriptions = store.addSubscriptions.bind(store);
    const added = (id: string, count: number): void => {
      this.subscribed += count;
      this.sessions.add(id);
    };
    this.retain = storeRetained;
    Object.assign(store, {
      async addSubscriptions(client: { readonly id: string }, subscriptions: readonly object[]) {
        await addSubscriptions(client, subscriptions);
        added(client.id, subscriptions.length);
      },
      async storeRetained(packet: Packet) {
        if (!kept.has(packet.payload)) await storeRetained(packet);
      },
      async incomingStorePacket(client: { readonly id: string }, packet: Packet) {
        await incomingStorePacket(client, packet);
        ids.set(client.id, (ids.get(client.id) ?? new Set<number>()).add(packet.messageId ?? 0));
      },
      async incomingDelPacket(client: { readonly id: string }, packet: Packet) {
        ids.get(client.id)?.delete(packet.messageId ?? 0);
        await incomingDelPacket(client, packet);
      },
      async cleanIncoming(client: { readonly id: string }) {
        ids.delete(client.id);
        await cleanIncoming(client);
      },
    });
  }

  hasIncoming(clientId: string, messageId: number): boolean {
    return this.ids.get(clientId)?.has(messageId) === true;
  }

  hasRoomFor(): boolean {
    return this.room;
  }

  /** Somebody may wait for any topic, once there was a subscription. */
  awaits(): boolean {
    return this.subscribed > 0;
  }

  hasSession(clientId: string): boolean {
    return this.sessions.has(clientId);
  }

  sessionIds(): Iterable<string> {
    return this.sessions;
  }

  keepLocal(message: LocalMessage, done: Done): void {
    this.local.push(message);
    if (message.retain) {
      void this.retain({ cmd: 'publish', dup: false, ...message });
      this.kept.add(message.payload);
    }
    if (this.holdLocal) this.waiting.push(done);
    else done(undefined);
  }
}

/** Everybody may everything, save what a test says. */
export class FakeAccess implements Access<string> {
  readonly logins: Login[] = [];
  answer: (login: Login) => LoginAnswer<string> = ({ username }) => ({ granted: true, who: username ?? 'nobody' });
  publish: (who: string, clientId: string, topic: string) => boolean = () => true;
  subscribe: (who: string, clientId: string, filter: string) => boolean = () => true;

  authenticate(login: Login, done: (answer: LoginAnswer<string>) => void): void {
    this.logins.push(login);
    done(this.answer(login));
  }

  mayPublish(who: string, clientId: string, topic: string): boolean {
    return this.publish(who, clientId, topic);
  }

  maySubscribe(who: string, clientId: string, filter: string): boolean {
    return this.subscribe(who, clientId, filter);
  }

  nameOf(who: string): string | undefined {
    return who === 'nobody' ? undefined : who;
  }

  ownerOf(clientId: string): string | undefined {
    return clientId.includes('.') ? clientId.split('.')[0] : undefined;
  }
}

const LOOPBACK = { host: '127.0.0.1', port: 0 };

/** A listener on free ports of loopback, with everything around it made up; it ends with the test. */
export async function startListener(options: Partial<MqttListenerOptions> = {}) {
  const keeper = new FakeKeeper();
  const sessions = new FakeSessions();
  const access = new FakeAccess();
  const events: ListenerEvent[] = [];
  const listener = new MqttListener({
    tcp: LOOPBACK,
    keeper,
    sessions,
    persistence: sessions.store,
    access,
    qos0: 'keep',
    onEvent: (event) => events.push(event),
    ...options,
  });
  const ports = await listener.start();
  onTestFinished(() => listener.close(0));
  const port = ports.tcp ?? 0;
  const refused = (): string[] => events.flatMap((event) => (event.kind === 'refused' ? [event.reason] : []));
  return {
    keeper,
    sessions,
    access,
    events,
    listener,
    counters: listener.counters,
    port,
    ports,
    refused,
    /** A socket that has said nothing. */
    raw: () => Raw.open(port),
    /** A client that has its CONNACK. */
    client: async (id: string, fields: Partial<packets.ConnectFields> = {}): Promise<Raw> => {
      const raw = await Raw.open(port);
      raw.send(packets.connect({ id, ...fields }));
      await until(`CONNACK for ${id}`, () => raw.packets.length > 0 || raw.closed);
      return raw;
    },
  };
}

export type Started = Awaited<ReturnType<typeof startListener>>;

/** A socket that remembers the packets it gets. */
export class Raw {
  readonly packets: packets.Received[] = [];
  closed = false;
  readonly socket: Socket;
  private rest: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('data', (chunk: Buffer) => {
      const parsed = packets.parse(Buffer.concat([this.rest, chunk]));
      this.packets.push(...parsed.packets);
      this.rest = parsed.rest;
    });
    onTestFinished(() => void socket.destroy());
  }

  static async open(port: number): Promise<Raw> {
    const socket = connectTcp({ host: '127.0.0.1', port, noDelay: true });
    const raw = new Raw(socket);
    await until('a connection', () => socket.readyState === 'open' || raw.closed);
    return raw;
  }

  send(...parts: Buffer[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  /** Packet ids of the packets with this first byte, in order. */
  ids(first: number): number[] {
    return this.packets.filter((one) => one.first === first).map(({ body }) => body.readUInt16BE(0));
  }

  /** Texts of the PUBLISH packets that came, in order. */
  get messages(): string[] {
    return this.packets
      .filter(({ first }) => first >> 4 === 3)
      .map(({ first, body }) => body.subarray(2 + body.readUInt16BE(0) + ((first & 6) > 0 ? 2 : 0)).toString());
  }
}

/** Polls until the condition holds; fails loudly at the deadline. */
export async function until(what: string, condition: () => boolean, deadlineMs = 20_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Answers once everything that this client sent before has been handled, and what was sent to it has come. */
export async function ping(raw: Raw): Promise<void> {
  const before = raw.packets.filter(({ first }) => first === 0xd0).length;
  raw.send(packets.PINGREQ);
  await until('PINGRESP', () => raw.packets.filter(({ first }) => first === 0xd0).length > before || raw.closed);
}
