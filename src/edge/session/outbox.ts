import type { Qos } from './packets.ts';

/** A message that waits for one client or more. */
export interface Message {
  readonly seq: number;
  readonly topic: string;
  readonly payload: Buffer | string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly bytes: number;
  /** Clients that do not have it yet. */
  readonly holders: Set<string>;
}

/** A message in the queue of one client. */
export interface Entry {
  readonly message: Message;
  readonly qos: Qos;
  /** Under which packet id it was sent; -1: it was not. */
  messageId: number;
  /** In which of the client's connections, counted; -1: of an earlier process. */
  sentIn: number;
  /** By what aedes knows the message while it fans it out. */
  origin: string | undefined;
}

/** What is on its way to one client, in its order; each step costs the same however much waits. */
export class Outbox {
  /** By seq, ascending. */
  readonly entries: Map<number, Entry> = new Map();
  /** Those that have no packet id. */
  readonly unsent: Map<number, Entry> = new Map();
  /** Packet ids of QoS 2 messages that the client has; it is owed their PUBREL. */
  readonly released: Set<number> = new Set();
  /** Connections of the client so far that this process knows. */
  connections = 0;
  private client: WeakRef<object> | undefined;
  private readonly ids: Map<number, Entry> = new Map();
  private readonly origins: Map<string, Entry> = new Map();

  get isEmpty(): boolean {
    return this.entries.size === 0 && this.released.size === 0;
  }

  add(entry: Entry): void {
    this.entries.set(entry.message.seq, entry);
    if (entry.messageId === -1) this.unsent.set(entry.message.seq, entry);
    else this.ids.set(entry.messageId, entry);
    if (entry.origin !== undefined) this.origins.set(entry.origin, entry);
  }

  remove(entry: Entry): void {
    this.entries.delete(entry.message.seq);
    this.unsent.delete(entry.message.seq);
    if (this.ids.get(entry.messageId) === entry) this.ids.delete(entry.messageId);
    if (entry.origin !== undefined) this.origins.delete(entry.origin);
  }

  name(entry: Entry, origin: string): void {
    if (entry.origin !== undefined) this.origins.delete(entry.origin);
    entry.origin = origin;
    this.origins.set(origin, entry);
  }

  number(entry: Entry, messageId: number): void {
    if (this.ids.get(entry.messageId) === entry) this.ids.delete(entry.messageId);
    entry.messageId = messageId;
    this.ids.set(messageId, entry);
    this.unsent.delete(entry.message.seq);
  }

  byId(messageId: number): Entry | undefined {
    return this.ids.get(messageId);
  }

  byOrigin(origin: string): Entry | undefined {
    return this.origins.get(origin);
  }

  /** Which of its connections this is. */
  meet(client: object): number {
    if (this.client?.deref() !== client) {
      this.client = new WeakRef(client);
      this.connections += 1;
    }
    return this.connections;
  }

  /** A packet id behind which more are free than anywhere else. */
  widestGap(): number {
    const taken = [...this.ids.keys(), ...this.released].filter((id) => id > 0).sort((a, b) => a - b);
    let best = 1;
    let width = (taken[0] ?? 65_536) - 1;
    for (const [i, id] of taken.entries()) {
      const free = (taken[i + 1] ?? 65_536) - id - 1;
      if (free <= width) continue;
      width = free;
      best = id + 1;
    }
    return best;
  }

  /** The wanted packet id, or the next one that nothing on its way has. There are 65 535, and fewer on their way by the bounds. */
  freeId(wanted: number): number {
    let id = wanted;
    for (let i = 0; i < 65_535 && (this.ids.has(id) || this.released.has(id)); i += 1) id = id >= 65_535 ? 1 : id + 1;
    return id;
  }

  /** A log that was being written anew when the process ended holds newer ones before older ones. */
  sort(): void {
    const sorted = [...this.entries].sort(([a], [b]) => a - b);
    for (const [seq] of sorted) {
      this.entries.delete(seq);
      this.unsent.delete(seq);
    }
    for (const [seq, entry] of sorted) {
      this.entries.set(seq, entry);
      if (entry.messageId === -1) this.unsent.set(seq, entry);
    }
  }
}
