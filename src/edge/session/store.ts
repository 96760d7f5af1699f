import { FilterTree } from '../../domain/filter-tree.ts';
import { type Change, NO_PAYLOAD, type Op, type SubscriptionTuple } from './ops.ts';
import { type Entry, type Message, Outbox } from './outbox.ts';
import { bytesOf, type Qos, type SubscriptionRef } from './packets.ts';

export interface Session {
  readonly id: string;
  readonly subscriptions: Map<string, SubscriptionTuple>;
  readonly outbox: Outbox;
  /** QoS 2 packet ids that the client uses, and whether that is in doubt. */
  readonly incoming: Map<number, boolean>;
}

export interface Retained {
  readonly topic: string;
  readonly payload: Buffer | string;
  readonly qos: Qos;
  readonly bytes: number;
}

export interface Will {
  readonly seq: number;
  readonly client: string;
  readonly topic: string;
  readonly payload: Buffer | string;
  readonly qos: Qos;
  readonly retain: boolean;
}

/** One subscription; `qos` is above 0. */
export interface Leaf extends SubscriptionRef {
  readonly clientId: string;
}

/** What an object costs beside its bytes, roughly: to tell what a log without outdated records would have. */
const EACH_BYTES = 100;

/** All that sessions hold, in memory. It changes by `apply` alone, by what happens and by what the log says of an earlier life. */
export class Store {
  readonly sessions: Map<string, Session> = new Map();
  readonly messages: Map<number, Message> = new Map();
  readonly retained: Map<string, Retained> = new Map();
  readonly wills: Map<number, Will> = new Map();
  readonly tree: FilterTree<Leaf> = new FilterTree();
  nextSeq = 1;
  subscriptions = 0;
  queued = 0;
  queuedBytes = 0;
  retainedBytes = 0;
  /** A session came or went. */
  onSession: (id: string, exists: boolean) => void = () => {};

  /** About what a log without anything outdated would have. */
  get liveBytes(): number {
    const things = this.sessions.size + this.subscriptions + this.queued + this.messages.size + this.retained.size + this.wills.size;
    return this.queuedBytes + this.retainedBytes + things * EACH_BYTES;
  }

  /** The payload of the record, as it came. */
  apply(op: Op, payload: Buffer | string): void {
    switch (op[0]) {
      case 'sub':
        return this.subscribe(this.session(op[1]), op[2]);
      case 'keep':
        return this.retain(op[1], { topic: op[1], payload, qos: op[2], bytes: op[1].length + payload.length });
      case 'drop':
        return this.retain(op[1], undefined);
      case 'put':
        return this.put(op, payload);
      case 'in': {
        const { incoming } = this.session(op[1]);
        for (const id of op[2]) incoming.set(id, op[3]);
        return;
      }
      case 'rel': {
        const { outbox } = this.session(op[1]);
        const entry = outbox.byId(op[2]);
        if (entry !== undefined) this.take(outbox, entry, op[1]);
        outbox.released.add(op[2]);
        return;
      }
      case 'will':
        this.wills.set(op[1], { seq: op[1], client: op[2], topic: op[3], payload, qos: op[4], retain: op[5] });
        this.nextSeq = Math.max(this.nextSeq, op[1] + 1);
        return;
      case 'gone':
        this.wills.delete(op[1]);
        return;
      case 'unsub':
      case 'end':
      case 'sent':
      case 'comp':
      case 'done':
      case 'out':
      case 'clear': {
        // What follows changes a session that there is, and may be its end.
        const session = this.sessions.get(op[1]);
        if (session === undefined) return;
        this.shrink(session, op);
        const { subscriptions, outbox, incoming } = session;
        if (subscriptions.size > 0 || incoming.size > 0 || !outbox.isEmpty) return;
        this.sessions.delete(session.id);
        this.onSession(session.id, false);
      }
    }
  }

  /** After the last record of an earlier life. `doubt`: some were damaged. */
  finish(doubt: boolean): void {
    for (const { outbox, incoming } of this.sessions.values()) {
      outbox.sort();
      if (doubt) for (const id of incoming.keys()) incoming.set(id, true);
    }
  }

  /** All of it as changes. What happens between two of them may be told before or after: see Op. */
  *snapshot(): Generator<Change> {
    for (const { topic, payload, qos } of this.retained.values()) yield { ops: [['keep', topic, qos]], payload: bytesOf(payload) };
    for (const session of this.sessions.values()) yield { ops: opsOf(session), payload: NO_PAYLOAD };
    for (const { seq, topic, payload, qos, retain, holders } of this.messages.values()) {
      const waiting = [...holders].map((client) => {
        const entry = this.sessions.get(client)?.outbox.entries.get(seq) as Entry;
        return [client, entry.qos, entry.messageId] as const;
      });
      yield { ops: [['put', seq, topic, qos, retain, waiting]], payload: bytesOf(payload) };
    }
    for (const { seq, client, topic, payload, qos, retain } of this.wills.values()) {
      yield { ops: [['will', seq, client, topic, qos, retain]], payload: bytesOf(payload) };
    }
  }

  private session(id: string): Session {
    let session = this.sessions.get(id);
    if (session === undefined) {
      session = { id, subscriptions: new Map(), outbox: new Outbox(), incoming: new Map() };
      this.sessions.set(id, session);
      this.onSession(id, true);
    }
    return session;
  }

  private subscribe({ id, subscriptions }: Session, tuples: readonly SubscriptionTuple[]): void {
    for (const tuple of tuples) {
      const [topic, qos, rh, rap, nl] = tuple;
      if (!subscriptions.has(topic)) this.subscriptions += 1;
      subscriptions.set(topic, tuple);
      if (qos > 0) this.tree.set(topic, id, { clientId: id, topic, qos, rh: rh ?? undefined, rap: rap ?? undefined, nl: nl ?? undefined });
      else this.tree.delete(topic, id);
    }
  }

  private unsubscribe({ id, subscriptions }: Session, filters: Iterable<string>): void {
    for (const filter of filters) {
      if (!subscriptions.delete(filter)) continue;
      this.subscriptions -= 1;
      this.tree.delete(filter, id);
    }
  }

  private retain(topic: string, retained: Retained | undefined): void {
    this.retainedBytes += (retained?.bytes ?? 0) - (this.retained.get(topic)?.bytes ?? 0);
    if (retained === undefined) this.retained.delete(topic);
    else this.retained.set(topic, retained);
  }

  private put([, seq, topic, qos, retain, holders]: Extract<Op, readonly ['put', ...unknown[]]>, payload: Buffer | string): void {
    this.nextSeq = Math.max(this.nextSeq, seq + 1);
    let message = this.messages.get(seq);
    if (message === undefined) {
      if (holders.length === 0) return;
      message = { seq, topic, payload, qos, retain, bytes: topic.length + payload.length, holders: new Set() };
      this.messages.set(seq, message);
      this.queuedBytes += message.bytes;
    }
    for (const [client, wanted, messageId] of holders) {
      const { outbox } = this.session(client);
      const known = outbox.entries.get(seq);
      if (known === undefined) {
        message.holders.add(client);
        outbox.add({ message, qos: wanted, messageId, sentIn: -1, origin: undefined });
        this.queued += 1;
      } else if (messageId !== -1) outbox.number(known, messageId);
    }
  }

  private shrink(session: Session, op: Extract<Op, readonly ['unsub' | 'end' | 'sent' | 'comp' | 'done' | 'out' | 'clear', ...unknown[]]>): void {
    const { id, subscriptions, outbox, incoming } = session;
    switch (op[0]) {
      case 'unsub':
        return this.unsubscribe(session, op[2]);
      case 'end':
        this.unsubscribe(session, subscriptions.keys());
        for (const entry of outbox.entries.values()) this.take(outbox, entry, id);
        outbox.released.clear();
        return incoming.clear();
      case 'sent': {
        const entry = outbox.entries.get(op[2]);
        return entry === undefined ? undefined : outbox.number(entry, op[3]);
      }
      case 'comp':
        return void outbox.released.delete(op[2]);
      case 'done': {
        const entry = outbox.entries.get(op[2]);
        return entry === undefined ? undefined : this.take(outbox, entry, id);
      }
      case 'out':
        return void incoming.delete(op[2]);
      case 'clear':
        return incoming.clear();
    }
  }

  private take(outbox: Outbox, entry: Entry, client: string): void {
    const { message } = entry;
    outbox.remove(entry);
    this.queued -= 1;
    message.holders.delete(client);
    if (message.holders.size > 0) return;
    this.messages.delete(message.seq);
    this.queuedBytes -= message.bytes;
  }
}

function opsOf({ id, subscriptions, outbox, incoming }: Session): Op[] {
  const ops: Op[] = [];
  if (subscriptions.size > 0) ops.push(['sub', id, [...subscriptions.values()]]);
  for (const doubtful of [false, true]) {
    const ids = [...incoming].filter(([, doubt]) => doubt === doubtful).map(([messageId]) => messageId);
    if (ids.length > 0) ops.push(['in', id, ids, doubtful]);
  }
  for (const messageId of outbox.released) ops.push(['rel', id, messageId]);
  return ops;
}
