import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayView } from './gateway-process.ts';

/** What one look at `/status` says: `silent` when it does not answer in time. */
export type Health = 'ready' | 'unready' | 'silent';

/** Something that a person at `/readyz` or `/status` could have seen. */
export interface Sign {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** `blip`: over before we looked, but a session or a component has changed since the last answer. */
  readonly what: 'unready' | 'silent' | 'blip' | 'restarted';
  readonly reason: string;
}

const EVERY_MS = 50;
/** Longer than a busy machine makes a sound gateway wait for its turn. */
const ANSWER_MS = 1500;
/** Signs are looked for behind a moment that is at most one fault ago. */
const KEPT = 2000;

/** Looks at a gateway's `/status` 20 times a second and keeps what it saw. */
export class Watch {
  health: Health = 'silent';
  /** When the look began that `health` comes from. */
  lookedAt = 0;
  /** Since when every look has said ready, without a sign in between; undefined while it is not. */
  readyFrom: number | undefined;
  last: GatewayView | undefined;
  /** What the incarnations of the gateway counted as filtered, summed up to the last look. */
  private filteredBefore = 0;
  private readonly look: () => Promise<GatewayView>;
  private readonly signs: Sign[] = [];
  private readonly stop = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(url: string) {
    this.look = async () => {
      const response = await fetch(`${url}/status`, { signal: AbortSignal.timeout(ANSWER_MS) });
      return (await response.json()) as GatewayView;
    };
  }

  start(): void {
    this.running = this.run();
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  /** The first sign at or after `at`. */
  signSince(at: number): Sign | undefined {
    return this.signs.find((sign) => sign.at >= at);
  }

  /** Items that the operator's rules left out. */
  get filtered(): number {
    return this.filteredBefore + (this.last?.ledger.items.filtered ?? 0);
  }

  private async run(): Promise<void> {
    while (!this.stop.signal.aborted) {
      const at = Date.now();
      try {
        this.see(at, await this.look());
      } catch (error) {
        this.note('silent', at, error instanceof Error ? error.message : String(error));
      }
      await sleep(EVERY_MS, undefined, { signal: this.stop.signal }).catch(() => {});
    }
  }

  private see(at: number, view: GatewayView): void {
    const before = this.last;
    this.last = view;
    const changed = before === undefined ? undefined : changeIn(view, before);
    if (before !== undefined && before.startedAt !== view.startedAt) {
      this.filteredBefore += before.ledger.items.filtered;
      this.sign('restarted', Date.parse(view.startedAt), 'another process answers');
    } else if (before !== undefined && this.health !== 'unready' && forwards(view)) {
      if (changed !== undefined) this.sign('blip', Date.parse(changed.since), `${changed.name} has changed`);
    }
    if (forwards(view)) {
      this.readyFrom ??= at;
      this.health = 'ready';
      this.lookedAt = at;
    } else {
      // What came while the look was under way, and is perhaps over at the next one, is seen at its own time: not before a fault that it follows.
      this.note('unready', at, view.reasons.join('; '), changed === undefined ? at : Math.max(at, Date.parse(changed.since)));
    }
  }

  private note(health: 'unready' | 'silent', at: number, reason: string, since = at): void {
    // One sign for each stretch and kind; a fault that begins within one is seen by its next look.
    this.sign(health, since, reason);
    this.health = health;
    this.lookedAt = at;
  }

  private sign(what: Sign['what'], at: number, reason: string): void {
    this.readyFrom = undefined;
    this.signs.push({ at, what, reason });
    if (this.signs.length > KEPT) this.signs.splice(0, KEPT / 2);
  }
}

/** An edge is ready, too, while it keeps what it cannot forward. */
function forwards({ ready, reasons }: GatewayView): boolean {
  return ready && reasons.length === 0;
}

/** The last session or component that has changed since the look before. */
function changeIn(view: GatewayView, before: GatewayView): { readonly name: string; readonly since: string } | undefined {
  const known = [...before.sessions, ...before.components];
  const changed = [...view.sessions, ...view.components].filter((one) => isNew(one, known));
  return changed.sort((a, b) => Date.parse(b.since) - Date.parse(a.since))[0];
}

function isNew(one: { name: string; since: string }, before: readonly { name: string; since: string }[]): boolean {
  return !before.some(({ name, since }) => name === one.name && since === one.since);
}
