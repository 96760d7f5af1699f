import { duplexPair } from 'node:stream';
import { Aedes } from 'aedes';
import { MqttClient, Store } from 'mqtt';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Sessions } from '../../../../src/edge/session/sessions.ts';
import { SimDisk } from '../../../support/sim-disk.ts';

const FOLDER = '/sessions';
const WAIT = { timeout: 20_000, interval: 5 };

interface Received {
  readonly topic: string;
  readonly text: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly dup: boolean;
}

/** A broker on a disk in memory, and clients without sockets. A kill ends the one and cuts the others. */
class World {
  readonly disk = new SimDisk(() => 0.5);
  sessions = this.open();
  broker: Aedes | undefined;
  private readonly clients: MqttClient[] = [];
  private readonly pump = setInterval(() => void this.disk.settle(), 1);

  open(): Sessions {
    return Sessions.open({ folder: FOLDER, files: this.disk.files, warn: () => {} });
  }

  async start(): Promise<Aedes> {
    this.broker = await Aedes.createBroker({ persistence: this.sessions, drainTimeout: 0 });
    return this.broker;
  }

  /** What was written without waiting for it is on the disk. */
  async forced(): Promise<void> {
    await this.sessions.removeSubscriptions({ id: 'nobody' }, []);
  }

  /** All that was not forced to the disk is gone. */
  async killed(): Promise<void> {
    const { broker } = this;
    const clients = this.clients.splice(0);
    // The streams end before the broker hears of it, and what it does then reaches no disk any more.
    const dead = this.sessions;
    this.disk.powerCut();
    for (const client of clients) client.end(true);
    await new Promise<void>((resolve) => broker?.close(() => resolve()));
    // Whatever the dead process still wrote is not there.
    this.disk.powerCut();
    void dead;
    this.sessions = this.open();
    await this.start();
  }

  async end(): Promise<void> {
    for (const client of this.clients) client.end(true);
    await new Promise<void>((resolve) => (this.broker === undefined ? resolve() : this.broker.close(() => resolve())));
    clearInterval(this.pump);
  }

  connect(clientId: string, options: object = {}): { readonly client: MqttClient; readonly received: Received[]; readonly present: () => boolean | undefined } {
    const received: Received[] = [];
    let present: boolean | undefined;
    const connect = (): never => {
      const [ours, theirs] = duplexPair();
      // As sockets do: when one side is gone, the other hears of it.
      theirs.on('close', () => setImmediate(() => ours.destroy()));
      ours.on('close', () => setImmediate(() => theirs.destroy()));
      this.broker?.handle(theirs);
      return ours as never;
    };
    const client = new MqttClient(connect, { clientId, clean: false, reconnectPeriod: 0, keepalive: 0, ...options });
    client.on('error', () => {});
    client.on('connect', ({ sessionPresent }) => (present = sessionPresent));
    client.on('message', (topic, payload, { qos, retain, dup }) => received.push({ topic, text: payload.toString(), qos, retain, dup }));
    this.clients.push(client);
    return { client, received, present: () => present };
  }
}

function texts(received: readonly Received[]): string[] {
  return received.map(({ text }) => text);
}

async function connected(client: MqttClient): Promise<void> {
  await vi.waitFor(() => expect(client.connected).toBe(true), WAIT);
}

describe('aedes with its sessions on a disk', () => {
  let world = new World();
  afterEach(async () => {
    await world.end();
    world = new World();
  });

  it('gives a session that was away what was published meanwhile, also before the broker was killed', async () => {
    await world.start();
    const first = world.connect('sub');
    await first.client.subscribeAsync('a/+', { qos: 1 });
    await first.client.endAsync();
    const publisher = world.connect('pub', { clean: true });
    for (const text of ['1', '2', '3']) await publisher.client.publishAsync('a/b', text, { qos: 1 });
    // aedes queues after the PUBACK; what was kept by keepLocal is there before.
    await vi.waitFor(() => expect(world.sessions.stats().queuedMessages).toBe(3), WAIT);
    await world.forced();
    await world.killed();
    const second = world.connect('sub');
    await vi.waitFor(() => expect(texts(second.received)).toEqual(['1', '2', '3']), WAIT);
    await vi.waitFor(() => expect(second.present()).toBe(true), WAIT);
    await vi.waitFor(() => expect(world.sessions.stats().queuedMessages).toBe(0), WAIT);
    // The subscription lives on.
    await world.connect('pub2', { clean: true }).client.publishAsync('a/c', '4', { qos: 1 });
    await vi.waitFor(() => expect(texts(second.received)).toEqual(['1', '2', '3', '4']), WAIT);
  });

  it('loses nothing of what keepLocal kept when it is killed before it fans it out', async () => {
    const broker = await world.start();
    const { client } = world.connect('sub');
    await client.subscribeAsync('a', { qos: 1 });
    await client.endAsync();
    const payload = Buffer.from('kept');
    await new Promise((resolve) => world.sessions.keepLocal({ topic: 'a', payload, qos: 1, retain: false }, resolve));
    await world.killed();
    const second = world.connect('sub');
    await vi.waitFor(() => expect(texts(second.received)).toEqual(['kept']), WAIT);
    expect(broker.closed).toBe(true);
    // Without a kill aedes brings it as well, and it is there once.
    const other = Buffer.from('once');
    await new Promise((resolve) => world.sessions.keepLocal({ topic: 'a', payload: other, qos: 1, retain: false }, resolve));
    await new Promise<void>((resolve) =>
      world.broker?.publish({ cmd: 'publish', topic: 'a', payload: other, qos: 1, retain: false, dup: false }, () => resolve()),
    );
    await vi.waitFor(() => expect(texts(second.received)).toEqual(['kept', 'once']), WAIT);
    await vi.waitFor(() => expect(world.sessions.stats().queuedMessages).toBe(0), WAIT);
  });

  it('delivers QoS 2 exactly once, wherever it is killed', async () => {
    await world.start();
    const incomingStore = new Store({ clean: false });
    const first = world.connect('sub', { incomingStore });
    await first.client.subscribeAsync('a', { qos: 2 });
    // Killed when the client has the message and has said so, and nothing else.
    let held: (() => void) | undefined;
    first.client.handleMessage = (_packet, done) => {
      held = () => done();
    };
    await world.connect('pub', { clean: true }).client.publishAsync('a', 'm', { qos: 2 });
    await vi.waitFor(() => expect(held).toBeDefined(), WAIT);
    held?.();
    await vi.waitFor(() => expect(world.sessions.stats().queuedMessages).toBe(0), WAIT);
    await world.killed();
    const second = world.connect('sub', { incomingStore });
    await connected(second.client);
    await world.connect('pub2', { clean: true }).client.publishAsync('a', 'n', { qos: 2 });
    await vi.waitFor(() => expect(texts(second.received)).toContain('n'), WAIT);
    expect(texts([...first.received, ...second.received]).toSorted()).toEqual(['m', 'n']);
  });

  it('sends what was not acknowledged again under its packet id, with DUP', async () => {
    await world.start();
    const first = world.connect('sub');
    await first.client.subscribeAsync('a', { qos: 1 });
    const ids: (number | undefined)[] = [];
    first.client.on('packetreceive', (packet) => packet.cmd === 'publish' && ids.push(packet.messageId));
    first.client.handleMessage = () => {};
    await world.connect('pub', { clean: true }).client.publishAsync('a', 'm', { qos: 1 });
    await vi.waitFor(() => expect(ids).toHaveLength(1), WAIT);
    await world.forced();
    await world.killed();
    const second = world.connect('sub');
    second.client.on('packetreceive', (packet) => packet.cmd === 'publish' && ids.push(packet.messageId));
    await vi.waitFor(() => expect(second.received).toMatchObject([{ text: 'm', dup: true }]), WAIT);
    expect(ids[1]).toBe(ids[0]);
  });

  it('knows a packet id of a publisher after a kill, tells it that its session is there, and frees the id', async () => {
    await world.start();
    const published: string[] = [];
    const watch = (broker: Aedes | undefined): void =>
      void broker?.on('publish', (packet) => packet.topic === 'a' && published.push(packet.payload.toString()));
    watch(world.broker);
    const outgoingStore = new Store({ clean: false });
    const first = world.connect('pub', { outgoingStore });
    await connected(first.client);
    // PUBREC is lost on the way: the publisher sends again, to the next broker.
    first.client.stream.unpipe();
    first.client.publish('a', 'm', { qos: 2 });
    await vi.waitFor(() => expect(published).toEqual(['m']), WAIT);
    await world.forced();
    await world.killed();
    watch(world.broker);
    const second = world.connect('pub', { outgoingStore });
    await connected(second.client);
    await vi.waitFor(() => expect(second.present()).toBe(true), WAIT);
    await second.client.publishAsync('a', 'n', { qos: 2 });
    await vi.waitFor(() => expect(world.sessions.stats().sessions).toBe(0), WAIT);
    expect(published).toEqual(['m', 'n']);
  });

  it('retains over a kill', async () => {
    await world.start();
    const publisher = world.connect('pub', { clean: true });
    for (const [topic, text] of [
      ['a/1', 'old'],
      ['a/1', 'new'],
      ['a/2', 'gone'],
      ['a/2', ''],
    ] as const) {
      const payload = Buffer.from(text);
      await new Promise((resolve) => world.sessions.keepLocal({ topic, payload, qos: 1, retain: true }, resolve));
      await new Promise<void>((resolve) => world.broker?.publish({ cmd: 'publish', topic, payload, qos: 1, retain: true, dup: false }, () => resolve()));
    }
    await connected(publisher.client);
    await world.killed();
    const { client, received } = world.connect('sub', { clean: true });
    await client.subscribeAsync('a/+', { qos: 1 });
    await vi.waitFor(() => expect(received).toMatchObject([{ topic: 'a/1', text: 'new', retain: true }]), WAIT);
  });

  it('has the will of a connection that a kill cut, once, and none of one that said goodbye', async () => {
    await world.start();
    const will = (text: string): object => ({ will: { topic: 'gone', payload: Buffer.from(text), qos: 1, retain: false } });
    const cut = world.connect('cut', will('cut'));
    const bye = world.connect('bye', will('bye'));
    await connected(cut.client);
    await connected(bye.client);
    // Another connection of the same client takes the place of the first: aedes takes the first one's will away after that.
    const again = world.connect('cut', will('again'));
    await connected(again.client);
    await bye.client.endAsync();
    await vi.waitFor(() => expect(world.sessions.stats().wills).toBe(1), WAIT);
    await world.forced();
    await world.killed();
    const wills = world.sessions.strandedWills();
    expect(wills.map(({ clientId, packet }) => `${clientId} ${packet.topic} ${String(packet.payload)}`)).toEqual(['cut gone again']);
    expect(world.sessions.strandedWills()).toEqual([]);
    // Killed before it was published: it comes again.
    await world.killed();
    const [later] = world.sessions.strandedWills();
    expect(later?.clientId).toBe('cut');
    later?.settle();
    await world.forced();
    await world.killed();
    expect(world.sessions.strandedWills()).toEqual([]);
  });

  it('ends a session when its client wants a new one', async () => {
    await world.start();
    const first = world.connect('sub');
    await first.client.subscribeAsync('a', { qos: 1 });
    await first.client.endAsync();
    await world.connect('pub', { clean: true }).client.publishAsync('a', 'm', { qos: 1 });
    await vi.waitFor(() => expect(world.sessions.stats().queuedMessages).toBe(1), WAIT);
    const fresh = world.connect('sub', { clean: true });
    await connected(fresh.client);
    expect(world.sessions.stats()).toMatchObject({ sessions: 0, queuedMessages: 0, subscriptions: 0 });
    await fresh.client.endAsync();
    const third = world.connect('sub');
    await connected(third.client);
    await vi.waitFor(() => expect(third.present()).toBe(false), WAIT);
    expect(third.received).toEqual([]);
  });

  it('knows the topics that a session waits for, and when there may be more of them', async () => {
    await world.start();
    const { sessions } = world;
    const known = (): object => ({ deep: sessions.awaits('a/b/c'), flat: sessions.awaits('flat'), other: sessions.awaits('a') });
    expect(known()).toEqual({ deep: false, flat: false, other: false });
    const { client } = world.connect('sub');
    const before = sessions.subscribed;
    await client.subscribeAsync('a/+/#', { qos: 1 });
    // This one is for a client that is there.
    await client.subscribeAsync('flat', { qos: 0 });
    expect(known()).toEqual({ deep: true, flat: false, other: false });
    const once = sessions.subscribed;
    expect(once).toBeGreaterThan(before);
    await client.subscribeAsync('flat', { qos: 1 });
    expect(known()).toEqual({ deep: true, flat: true, other: false });
    expect(sessions.subscribed).toBeGreaterThan(once);
    await client.unsubscribeAsync('a/+/#');
    expect(known()).toEqual({ deep: false, flat: true, other: false });
    await world.forced();
    await world.killed();
    expect(world.sessions.awaits('flat')).toBe(true);
  });

  it('stores none of the subscriptions that are refused, though aedes asks for it', async () => {
    const broker = await world.start();
    broker.authorizeSubscribe = (_, subscription, done) => done(null, subscription.topic === 'secret' ? null : subscription);
    world.sessions.permits = (_, filter) => filter !== 'secret';
    const { client } = world.connect('sub');
    const granted = await client.subscribeAsync(['open', 'secret'], { qos: 1 }).catch((error: Error) => error.message);
    await vi.waitFor(() => expect(world.sessions.stats().subscriptions).toBe(1), WAIT);
    expect(JSON.stringify(granted)).toBeDefined();
    expect((await world.sessions.subscriptionsByClient({ id: 'sub' })).map(({ topic }) => topic)).toEqual(['open']);
  });
});
