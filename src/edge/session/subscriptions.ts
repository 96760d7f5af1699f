import { MOST_FILTER_BYTES } from './bounds.ts';
import { Changes, type Core } from './core.ts';
import type { SubscriptionTuple } from './ops.ts';
import type { ClientRef, SubscriptionRef } from './packets.ts';

/**
 * aedes says in CONNACK that a session is present only where it has subscriptions. A session that has packet ids or messages alone
 * answers this one: a client that heard that there is no session would forget its ids while they are kept here, and its next
 * message under one of them would be taken for one that is known. Nobody may subscribe to it, so aedes leaves it out.
 */
export const SESSION_MARKER = '$session';

/** Subscriptions of persistent sessions. */
export class Subscriptions {
  /** Whether the client may have this subscription: aedes asks to store all of a SUBSCRIBE, those it refuses too. */
  permits: (client: ClientRef, filter: string) => boolean = () => true;
  private readonly core: Core;

  constructor(core: Core) {
    this.core = core;
  }

  hasRoom(client: ClientRef, filter: string): boolean {
    const { store, bounds } = this.core;
    const session = store.sessions.get(client.id);
    if (Buffer.byteLength(filter) > MOST_FILTER_BYTES) return false;
    if (session === undefined) return store.sessions.size < bounds.sessions;
    return session.subscriptions.has(filter) || session.subscriptions.size < bounds.subscriptions;
  }

  /** Resolves when they are on the disk. Rejects where there is no room: the connection ends. */
  async add(client: ClientRef, subscriptions: readonly SubscriptionRef[]): Promise<void> {
    const { store, bounds, losses } = this.core;
    const wanted = subscriptions.filter(({ topic }) => topic !== SESSION_MARKER && this.permits(client, topic));
    const known = store.sessions.get(client.id)?.subscriptions;
    const changed = wanted.map(tupleOf).filter((tuple) => !isSame(known?.get(tuple[0]), tuple));
    const count = new Set([...(known?.keys() ?? []), ...changed.map(([filter]) => filter)]).size;
    const isFull = known === undefined && changed.length > 0 && store.sessions.size >= bounds.sessions;
    if (isFull || count > bounds.subscriptions || changed.some(([filter]) => Buffer.byteLength(filter) > MOST_FILTER_BYTES)) {
      losses.count(isFull ? 'sessions-full' : 'subscriptions-full');
      throw new Error(
        isFull ? `there are ${bounds.sessions} sessions already` : `a session has at most ${bounds.subscriptions} subscriptions of ${MOST_FILTER_BYTES} bytes`,
      );
    }
    const changes = new Changes(this.core);
    if (changed.length > 0) changes.add(['sub', client.id, changed]);
    await changes.durable();
  }

  async remove(client: ClientRef, filters: readonly string[]): Promise<void> {
    const known = this.core.store.sessions.get(client.id)?.subscriptions;
    const gone = filters.filter((filter) => known?.has(filter) === true);
    const changes = new Changes(this.core);
    if (gone.length > 0) changes.add(['unsub', client.id, gone]);
    await changes.durable();
  }

  of(client: ClientRef): SubscriptionRef[] {
    const session = this.core.store.sessions.get(client.id);
    if (session === undefined) return [];
    if (session.subscriptions.size === 0) return [{ topic: SESSION_MARKER, qos: 0 }];
    return [...session.subscriptions.values()].map(([topic, qos, rh, rap, nl]) => ({
      topic,
      qos,
      rh: rh ?? undefined,
      rap: rap ?? undefined,
      nl: nl ?? undefined,
    }));
  }

  *clientsOf(filter: string): Generator<string> {
    for (const { id, subscriptions } of this.core.store.sessions.values()) if (subscriptions.has(filter)) yield id;
  }

  count(): { readonly subsCount: number; readonly clientsCount: number } {
    const { sessions, tree } = this.core.store;
    let clientsCount = 0;
    for (const { subscriptions } of sessions.values()) if (subscriptions.size > 0) clientsCount += 1;
    return { subsCount: tree.size, clientsCount };
  }
}

function tupleOf({ topic, qos, rh, rap, nl }: SubscriptionRef): SubscriptionTuple {
  return [topic, qos, rh ?? null, rap ?? null, nl ?? null];
}

function isSame(a: SubscriptionTuple | undefined, b: SubscriptionTuple): boolean {
  return a?.every((value, i) => value === b[i]) === true;
}
