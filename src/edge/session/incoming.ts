import { Changes, type Core } from './core.ts';
import type { ClientRef } from './packets.ts';

/** QoS 2 packet ids that clients use: from their PUBLISH until their PUBREL. The messages are kept elsewhere. */
export class Incoming {
  private readonly core: Core;
  /** Of sessions that end with their connection: these are never on the disk. */
  private readonly brief: Map<string, Set<number>> = new Map();

  constructor(core: Core) {
    this.core = core;
  }

  /**
   * Whether this id stands for a message that is kept already. An id from a log that was damaged may have been freed since: a
   * PUBLISH that is no repetition (`dup` is false) says that it was, because a client uses no id twice at a time.
   */
  has(clientId: string, messageId: number, dup: boolean): boolean {
    if (this.brief.get(clientId)?.has(messageId) === true) return true;
    const doubtful = this.core.store.sessions.get(clientId)?.incoming.get(messageId);
    if (doubtful === undefined) return false;
    if (!doubtful || dup) return true;
    new Changes(this.core).add(['out', clientId, messageId]).soon();
    return false;
  }

  /** Resolves when the id is on the disk: the PUBREC waits for that. */
  async store(client: ClientRef, messageId: number): Promise<void> {
    const { store, bounds, losses } = this.core;
    if (client.clean === true) {
      const ids = this.brief.get(client.id) ?? new Set();
      this.brief.set(client.id, ids.add(messageId));
      return;
    }
    if (!store.sessions.has(client.id) && store.sessions.size >= bounds.sessions) {
      losses.count('sessions-full');
      throw new Error(`there are ${bounds.sessions} sessions already`);
    }
    await new Changes(this.core).add(['in', client.id, [messageId], false]).durable();
  }

  /** Resolves when it is free on the disk: the PUBCOMP waits for that, because the client may use it for another message then. */
  async free(client: ClientRef, messageId: number): Promise<void> {
    if (this.brief.get(client.id)?.delete(messageId) === true) return;
    if (this.core.store.sessions.get(client.id)?.incoming.has(messageId) !== true) throw new Error('no such packet');
    await new Changes(this.core).add(['out', client.id, messageId]).durable();
  }

  async clear(client: ClientRef): Promise<void> {
    this.brief.delete(client.id);
    const ids = this.core.store.sessions.get(client.id)?.incoming.size ?? 0;
    if (ids > 0) await new Changes(this.core).add(['clear', client.id]).durable();
  }
}
