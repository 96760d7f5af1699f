import type { ClientRef } from './packets.ts';

/** Who is connected, and since when the others with a session are not. Times are milliseconds on a clock that never jumps. */
export class Presence {
  private readonly connected: Map<string, ClientRef> = new Map();
  /** The one that is away for longest first. */
  private readonly away: Map<string, number> = new Map();
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  came(client: ClientRef): void {
    this.connected.set(client.id, client);
    this.away.delete(client.id);
  }

  /** Another connection may have taken the name meanwhile. */
  left(client: ClientRef, hasSession: boolean): void {
    if (this.connected.get(client.id) !== client) return;
    this.connected.delete(client.id);
    if (hasSession) this.away.set(client.id, this.now());
  }

  /** A session came or went. */
  note(id: string, exists: boolean): void {
    if (!exists) this.away.delete(id);
    else if (!this.connected.has(id)) this.away.set(id, this.now());
  }

  awayFor(milliseconds: number): string[] {
    const before = this.now() - milliseconds;
    const found: string[] = [];
    for (const [id, since] of this.away) {
      if (since > before) break;
      found.push(id);
    }
    return found;
  }
}
