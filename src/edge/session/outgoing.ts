import { Readable } from 'node:stream';
import { MOST_MESSAGE_BYTES } from './bounds.ts';
import { Changes, type Core } from './core.ts';
import type { HolderTuple } from './ops.ts';
import type { Entry, Outbox } from './outbox.ts';
import type { ClientRef, OutgoingPacket, PublishedPacket, Qos } from './packets.ts';

/** In place of a broker's name in packets whose message aedes does not know by a number of its own. */
const STORED = 'stored';

/** For whom a message is, and the quality of service that was granted; undefined: that of the message. */
export interface Target {
  readonly clientId: string;
  readonly qos?: Qos | undefined;
}

/** Messages for persistent sessions: from when they are known until their client has them. */
export class Outgoing {
  private readonly core: Core;
  /** Messages that were queued before aedes fans them out, by their payload, which aedes hands on as it is. */
  private readonly prepared: WeakMap<Buffer, { readonly seq: number; readonly clients: ReadonlySet<string> }> = new WeakMap();
  private enqueuing = 0;

  constructor(core: Core) {
    this.core = core;
  }

  /** Queues the message for the sessions that subscribe to its topic, ahead of aedes. */
  prepare(changes: Changes, packet: { readonly topic: string; readonly payload: Buffer; readonly qos: Qos }): void {
    const targets = this.targetsOf(this.core.store.tree.match(packet.topic), packet.qos);
    if (targets.size === 0) return;
    const seq = this.queue(changes, targets, packet);
    this.prepared.set(packet.payload, { seq, clients: new Set(targets.keys()) });
  }

  /** Resolves when it is on the disk, in the order of the calls. */
  async enqueue(subscriptions: readonly Target[], packet: PublishedPacket): Promise<void> {
    const targets = this.targetsOf(subscriptions, packet.qos ?? 0);
    const origin = originOf(packet);
    const known = typeof packet.payload === 'string' ? undefined : this.prepared.get(packet.payload);
    if (known !== undefined) {
      this.prepared.delete(packet.payload as Buffer);
      for (const client of known.clients) {
        targets.delete(client);
        this.name(client, known.seq, origin);
      }
    }
    if (targets.size === 0 && this.enqueuing === 0) return;
    const changes = new Changes(this.core);
    if (targets.size > 0) {
      const seq = this.queue(changes, targets, packet);
      for (const client of targets.keys()) this.name(client, seq, origin);
    }
    this.enqueuing += 1;
    try {
      await changes.durable();
    } finally {
      this.enqueuing -= 1;
    }
  }

  /**
   * Before a packet is sent: under which id, and with which quality of service. That of a QoS 2 message is on the disk first, as is
   * what a PUBREL says: under another id, or as a PUBLISH again, the client would take it for another message. A message that
   * had no room is sent all the same, and not again.
   */
  async update(client: ClientRef, packet: OutgoingPacket): Promise<void> {
    const outbox = this.outbox(client);
    if (outbox === undefined || packet.messageId === undefined) return;
    const changes = new Changes(this.core);
    if (packet.cmd === 'pubrel') {
      const isNew =
        !outbox.released.has(packet.messageId) && (outbox.byId(packet.messageId) !== undefined || outbox.released.size < this.core.bounds.queuedMessages);
      if (isNew) changes.add(['rel', client.id, packet.messageId]);
      return changes.durable();
    }
    const entry = this.entryOf(outbox, packet);
    if (entry === undefined) {
      packet.messageId = outbox.freeId(packet.messageId);
      return;
    }
    entry.sentIn = outbox.meet(client);
    packet.qos = entry.qos;
    if (entry.messageId !== packet.messageId) {
      packet.messageId = outbox.freeId(packet.messageId);
      changes.add(['sent', client.id, entry.message.seq, packet.messageId]);
    }
    if (entry.qos === 2) return changes.durable();
    changes.soon();
  }

  /** The client has it. Without a packet id: aedes will not send it, or sends it because of another subscription. */
  clear(client: ClientRef, packet: OutgoingPacket): OutgoingPacket | undefined {
    const outbox = this.outbox(client);
    if (outbox === undefined) return undefined;
    const { messageId } = packet;
    if (messageId === undefined) {
      const entry = this.entryOf(outbox, packet);
      // Whoever sends it because of another subscription has begun to, and gives it its id in a callback that waits before this one.
      if (entry !== undefined) setImmediate(() => entry.messageId === -1 && this.done(client, entry));
      return undefined;
    }
    const entry = outbox.byId(messageId);
    if (entry !== undefined) {
      const had = packetOf(entry, outbox);
      this.done(client, entry);
      return had;
    }
    if (!outbox.released.has(messageId)) return undefined;
    new Changes(this.core).add(['comp', client.id, messageId]).soon();
    return { cmd: 'pubrel', messageId };
  }

  /** All that waits, in order, for a client that has come back; what is sent to it meanwhile is left out. */
  stream(client: ClientRef): Readable {
    const outbox = this.outbox(client);
    if (outbox === undefined) return Readable.from([]);
    outbox.meet(client);
    // aedes numbers packets from a random start: of retained ones, which it does not show here, none may have an id in use.
    if ('_nextId' in client && outbox.entries.size + outbox.released.size > 0) Object.assign(client, { _nextId: outbox.widestGap() });
    return Readable.from(waiting(outbox));
  }

  private outbox(client: ClientRef): Outbox | undefined {
    return this.core.store.sessions.get(client.id)?.outbox;
  }

  private done(client: ClientRef, entry: Entry): void {
    new Changes(this.core).add(['done', client.id, entry.message.seq]).soon();
  }

  /** Several subscriptions of one client get the message once, with the best of their qualities. */
  private targetsOf(subscriptions: readonly Target[], qos: Qos): Map<string, Qos> {
    const targets = new Map<string, Qos>();
    for (const { clientId, qos: granted = qos } of subscriptions) {
      const best = Math.max(targets.get(clientId) ?? 0, Math.min(qos, granted)) as Qos;
      if (best > 0) targets.set(clientId, best);
    }
    return targets;
  }

  private queue(changes: Changes, targets: ReadonlyMap<string, Qos>, { topic, payload, qos, retain }: PublishedPacket): number {
    const { store, losses } = this.core;
    const bytes = topic.length + payload.length;
    const holders: HolderTuple[] = [];
    for (const [client, granted] of targets) {
      if (bytes > MOST_MESSAGE_BYTES) losses.count('too-large');
      else if (this.makeRoom(changes, client, bytes)) holders.push([client, granted, -1]);
    }
    const seq = store.nextSeq;
    if (holders.length > 0) changes.add(['put', seq, topic, qos ?? 0, retain ?? false, holders], payload);
    return seq;
  }

  private makeRoom(changes: Changes, client: string, bytes: number): boolean {
    const { store, bounds, losses } = this.core;
    const session = store.sessions.get(client);
    if (session === undefined && store.sessions.size >= bounds.sessions) {
      losses.count('sessions-full');
      return false;
    }
    const fits = (): boolean => (session?.outbox.entries.size ?? 0) < bounds.queuedMessages && store.queuedBytes + bytes <= bounds.queuedBytes;
    while (!fits()) {
      const [oldest] = session?.outbox.unsent.values() ?? [];
      losses.count(oldest === undefined ? 'queue-refused' : 'queue-full');
      if (oldest === undefined) return false;
      changes.add(['done', client, oldest.message.seq]);
    }
    return true;
  }

  private name(client: string, seq: number, origin: string | undefined): void {
    const outbox = this.core.store.sessions.get(client)?.outbox;
    const entry = outbox?.entries.get(seq);
    if (outbox !== undefined && entry !== undefined && origin !== undefined) outbox.name(entry, origin);
  }

  private entryOf(outbox: Outbox, packet: OutgoingPacket): Entry | undefined {
    if (packet.brokerId === STORED) return outbox.entries.get(packet.brokerCounter ?? 0);
    const origin = originOf(packet);
    return origin === undefined ? undefined : outbox.byOrigin(origin);
  }
}

function originOf({ brokerId, brokerCounter }: OutgoingPacket): string | undefined {
  return typeof brokerId === 'string' ? `${brokerCounter}:${brokerId}` : undefined;
}

function* waiting(outbox: Outbox): Generator<OutgoingPacket> {
  for (const messageId of outbox.released) yield { cmd: 'pubrel', messageId };
  for (const [entry, wasSent] of [...outbox.entries.values()].map((one) => [one, one.messageId !== -1] as const)) {
    const isThere = outbox.entries.get(entry.message.seq) === entry;
    if (isThere && wasSent === (entry.messageId !== -1)) yield packetOf(entry, outbox);
  }
}

/** MQTT-3.3.1-1: DUP where it was sent before, in another connection. */
function packetOf(entry: Entry, outbox: Outbox): OutgoingPacket {
  const { message, qos, messageId, origin, sentIn } = entry;
  const at = origin?.indexOf(':') ?? -1;
  return {
    cmd: 'publish',
    brokerId: origin === undefined ? STORED : origin.slice(at + 1),
    brokerCounter: origin === undefined ? message.seq : Number(origin.slice(0, at)),
    topic: message.topic,
    payload: message.payload,
    qos,
    // It was retained where it came from; to this client it is a message like others (MQTT-3.3.1-9).
    retain: false,
    dup: messageId !== -1 && sentIn < outbox.connections,
    messageId: messageId === -1 ? undefined : messageId,
  };
}
