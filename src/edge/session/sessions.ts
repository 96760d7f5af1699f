import { Readable } from 'node:stream';
import { REAL_LOG_FILES } from '../log/files.ts';
import { Losses, SESSION_BOUNDS } from './bounds.ts';
import { Changes, type Core } from './core.ts';
import { Incoming } from './incoming.ts';
import { type Done, Journal } from './journal.ts';
import { decodeChange } from './ops.ts';
import type { LocalMessage } from '../ports.ts';
import type { Broker, SessionStats, SessionsOptions } from './options.ts';
import { Outgoing, type Target } from './outgoing.ts';
import type { ClientRef, OutgoingPacket, PublishedPacket, SubscriptionRef, WillPacket } from './packets.ts';
import { Presence } from './presence.ts';
import { RetainedMessages } from './retained.ts';
import { type Leaf, Store } from './store.ts';
import { Subscriptions } from './subscriptions.ts';
import { type StrandedWill, Wills } from './wills.ts';

const SWEEP_MS = 60_000;

/**
 * Sessions, retained messages and wills of the edge's MQTT broker: the persistence of aedes (its asynchronous interface), in
 * memory, with a log on the disk. What a client was told (SUBACK, PUBREC, PUBCOMP, CONNACK for its will, PUBACK where
 * `keepLocal` came before it) is on the disk by then, and is there again after the process is killed.
 */
export class Sessions {
  private readonly core: Core;
  private readonly subs: Subscriptions;
  private readonly retainedMessages: RetainedMessages;
  private readonly outgoing: Outgoing;
  private readonly incoming: Incoming;
  private readonly wills: Wills;
  private readonly presence: Presence;
  /** Payloads of retained messages that are kept: aedes brings them again, later, when a newer one may have come. */
  private readonly kept: WeakSet<Buffer> = new WeakSet();
  private theBroker: Broker | undefined;
  private sweeper: NodeJS.Timeout | undefined;

  private constructor(core: Core, presence: Presence) {
    this.core = core;
    this.presence = presence;
    this.subs = new Subscriptions(core);
    this.retainedMessages = new RetainedMessages(core);
    this.outgoing = new Outgoing(core);
    this.incoming = new Incoming(core);
    this.wills = new Wills(core);
  }

  /** Reads what an earlier life left, whatever it is. Throws where another living process has the folder, or none can be made. */
  static open(options: SessionsOptions): Sessions {
    const store = new Store();
    const presence = new Presence(options.now ?? (() => performance.now()));
    store.onSession = (id, exists) => presence.note(id, exists);
    const journal = new Journal({
      folder: options.folder,
      files: options.files ?? REAL_LOG_FILES,
      warn: options.warn,
      snapshot: () => store.snapshot(),
      liveBytes: () => store.liveBytes,
      replay: (record) => {
        const change = decodeChange(record);
        for (const op of change?.ops ?? []) store.apply(op, change?.payload ?? '');
        return change !== undefined;
      },
      garbageBytes: options.garbageBytes ?? 4_194_304,
      retryMs: options.retryMs ?? 1_000,
      now: () => Date.now(),
    });
    store.finish(journal.found.damaged > 0);
    journal.start();
    return new Sessions({ store, journal, bounds: { ...SESSION_BOUNDS, ...options.bounds }, losses: new Losses() }, presence);
  }

  /** Whether a client may have a subscription; see Subscriptions. */
  set permits(permits: (client: ClientRef, filter: string) => boolean) {
    this.subs.permits = permits;
  }

  get broker(): Broker | undefined {
    return this.theBroker;
  }

  stats(): SessionStats {
    const { store, journal, losses } = this.core;
    return {
      sessions: store.sessions.size,
      subscriptions: store.subscriptions,
      queuedMessages: store.queued,
      queuedBytes: store.queuedBytes,
      retained: store.retained.size,
      retainedBytes: store.retainedBytes,
      wills: store.wills.size,
      fileBytes: journal.bytes,
      compactions: journal.rewrites,
      damagedRecords: journal.found.damaged,
      isStuck: journal.isBroken,
      losses: { ...losses.counts },
    };
  }

  /** Ends sessions whose client has been away for too long. */
  sweep(): void {
    for (const id of this.presence.awayFor(this.core.bounds.sessionExpiryMs)) {
      this.core.losses.count('expired');
      new Changes(this.core).add(['end', id]).soon();
    }
  }

  /**
   * Before a message of a device is acknowledged: `done` when it waits in the queues of all sessions that subscribe to it, and
   * is the retained one where it is to be, on the disk. At once where there is nothing to write. In the order of the calls
   * a later retained message of a topic stands for it.
   */
  keepLocal(message: LocalMessage, done: Done): void {
    const changes = new Changes(this.core);
    if (message.retain) {
      this.retainedMessages.keep(changes, message);
      this.kept.add(message.payload);
    }
    if (message.qos > 0) this.outgoing.prepare(changes, message);
    // That there is nothing to retain or to take away may itself wait for the disk.
    if (changes.isEmpty && message.retain) this.core.journal.barrier(done);
    else changes.write(done);
  }

  /** Whether this QoS 2 packet id stands for a message that is kept. `dup`: the flag of the PUBLISH that asks. */
  hasIncoming(clientId: string, messageId: number, dup = true): boolean {
    return this.incoming.has(clientId, messageId, dup);
  }

  /** Whether a session subscribes to the topic with a quality of service above 0: it has its messages when its client is away, too. */
  awaits(topic: string): boolean {
    return this.core.store.tree.match(topic).length > 0;
  }

  hasSession(clientId: string): boolean {
    return this.core.store.sessions.has(clientId);
  }

  sessionIds(): Iterable<string> {
    return this.core.store.sessions.keys();
  }

  /** Grows with each subscription that `awaits` tells of. */
  get subscribed(): number {
    return this.core.store.tree.added;
  }

  /** Whether a subscription of a persistent session could be stored. */
  hasRoomFor(client: ClientRef, filter: string): boolean {
    return this.subs.hasRoom(client, filter);
  }

  /** Wills of the connections that ended with an earlier process, each once: to be published, then settled. */
  strandedWills(): StrandedWill[] {
    return this.wills.takeStranded();
  }

  async setup(broker: Broker): Promise<void> {
    this.theBroker = broker;
    broker.on?.('client', (client) => this.presence.came(client));
    broker.on?.('clientDisconnect', (client) => this.presence.left(client, this.core.store.sessions.has(client.id)));
    this.sweeper ??= setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  async destroy(): Promise<void> {
    clearInterval(this.sweeper);
    await this.core.journal.close();
  }

  async storeRetained(packet: PublishedPacket): Promise<void> {
    if (typeof packet.payload !== 'string' && this.kept.has(packet.payload)) return;
    const changes = new Changes(this.core);
    this.retainedMessages.keep(changes, { topic: packet.topic, payload: packet.payload, qos: packet.qos ?? 0 });
    await changes.durable();
  }

  createRetainedStream(filter: string): Readable {
    return this.createRetainedStreamCombi([filter]);
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    return Readable.from(this.retainedMessages.matching(filters));
  }

  async addSubscriptions(client: ClientRef, subscriptions: readonly SubscriptionRef[]): Promise<void> {
    await this.subs.add(client, subscriptions);
  }

  async removeSubscriptions(client: ClientRef, filters: readonly string[]): Promise<void> {
    await this.subs.remove(client, filters);
  }

  async subscriptionsByClient(client: ClientRef): Promise<SubscriptionRef[]> {
    return this.subs.of(client);
  }

  async countOffline(): Promise<{ readonly subsCount: number; readonly clientsCount: number }> {
    return this.subs.count();
  }

  async subscriptionsByTopic(topic: string): Promise<Leaf[]> {
    return this.core.store.tree.match(topic);
  }

  /** A client that wants a new session: the one before is over, with all that it holds (MQTT-3.1.2-6). */
  async cleanSubscriptions(client: ClientRef): Promise<void> {
    if (this.core.store.sessions.has(client.id)) await new Changes(this.core).add(['end', client.id]).durable();
  }

  async outgoingEnqueue(target: Target, packet: PublishedPacket): Promise<void> {
    await this.outgoing.enqueue([target], packet);
  }

  async outgoingEnqueueCombi(targets: readonly Target[], packet: PublishedPacket): Promise<void> {
    await this.outgoing.enqueue(targets, packet);
  }

  async outgoingUpdate(client: ClientRef, packet: OutgoingPacket): Promise<void> {
    await this.outgoing.update(client, packet);
  }

  async outgoingClearMessageId(client: ClientRef, packet: OutgoingPacket): Promise<OutgoingPacket | undefined> {
    return this.outgoing.clear(client, packet);
  }

  outgoingStream(client: ClientRef): Readable {
    return this.outgoing.stream(client);
  }

  async incomingStorePacket(client: ClientRef, { messageId }: { readonly messageId: number }): Promise<void> {
    await this.incoming.store(client, messageId);
  }

  /** Of a message no more than its id is kept here. For a PUBLISH it answers when the id is on the disk: its PUBREC follows. */
  async incomingGetPacket(client: ClientRef, packet: { readonly cmd?: string; readonly messageId: number }): Promise<OutgoingPacket> {
    if (!this.incoming.has(client.id, packet.messageId, true)) throw new Error('no such packet');
    if (packet.cmd === 'publish') await new Changes(this.core).durable();
    return { cmd: 'publish', qos: 2, messageId: packet.messageId };
  }

  async incomingDelPacket(client: ClientRef, { messageId }: { readonly messageId: number }): Promise<void> {
    await this.incoming.free(client, messageId);
  }

  async cleanIncoming(client: ClientRef): Promise<void> {
    await this.incoming.clear(client);
  }

  async putWill(client: ClientRef, packet: WillPacket): Promise<void> {
    await this.wills.put(client, this.theBroker?.id ?? '', packet);
  }

  async getWill(client: ClientRef): Promise<WillPacket | undefined> {
    return this.wills.get(client);
  }

  async delWill(client: ClientRef): Promise<WillPacket | undefined> {
    return this.wills.remove(client);
  }

  streamWill(brokers: Readonly<Record<string, unknown>> = {}): Readable {
    return Readable.from(this.wills.ofOthers(brokers));
  }

  getClientList(filter: string): Readable {
    return Readable.from(this.subs.clientsOf(filter));
  }
}
