import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from '../../devices/fleet.ts';
import type { Rng } from '../../devices/random.ts';
import type { Auditor } from './auditor.ts';
import type { TcpProxy } from './proxy.ts';
import type { PrivateSite } from './site.ts';
import type { Watch } from './watch.ts';

/** One look may come before the gateway itself has noticed. */
const STEADY_MS = 500;
/** Messages that the gateway has for certain when so many more were acknowledged while it stood still. */
const UNACKED = 20;
const UNACKED_MS = 30_000;

/** Where devices connect, and as whom. */
export interface DeviceDoor {
  readonly mqttUrl: string | readonly string[] | undefined;
  readonly wsUrl: string | readonly string[] | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Second level of every topic. */
  readonly site: string;
  /** Before every device name of this run. */
  readonly prefix: string;
}

export interface FieldParts {
  readonly site: PrivateSite | undefined;
  readonly door: DeviceDoor;
  /** In front of the MQTT doors; of the devices, not of the gateway. */
  readonly deviceProxies: readonly TcpProxy[];
  readonly fleet: Fleet;
  readonly auditor: Auditor;
  readonly watch: Watch;
  readonly random: Rng;
  readonly seed: number;
  /** Messages a second of the whole fleet. */
  readonly rate: number;
  readonly dir: string;
  /** Ledgers of this run; faults that publish add their own. */
  readonly ledgers: string[];
  readonly signal: AbortSignal;
}

/** What a fault has to work with. */
export class Field {
  readonly parts: FieldParts;
  /** Of the fault that is under way. */
  notes: string[] = [];
  problems: string[] = [];
  /** When the fault that is under way came into force, milliseconds since 1970. */
  struckAt = 0;

  constructor(parts: FieldParts) {
    this.parts = parts;
  }

  /** The private broker and gateway. */
  get site(): PrivateSite {
    const { site } = this.parts;
    if (site === undefined) throw new Error('this fault needs a private broker and gateway');
    return site;
  }

  get random(): Rng {
    return this.parts.random;
  }

  get heartbeatMs(): number {
    return this.site.settings.rabbitmq.heartbeatSeconds * 1000;
  }

  /** The fault comes into force now: what can be seen of it is counted from here. */
  strike(): void {
    this.struckAt = Date.now();
  }

  note(text: string): void {
    this.notes.push(text);
  }

  require(ok: boolean, problem: string): void {
    if (!ok) this.problems.push(problem);
  }

  /** File for one more ledger. */
  ledger(name: string): string {
    const file = join(this.parts.dir, `ledger-${this.parts.ledgers.length}-${name}.ndjson`);
    this.parts.ledgers.push(file);
    return file;
  }

  /** Polls; throws, naming the condition, after `deadlineMs` or when the run is given up. */
  async until(what: string, condition: () => boolean | Promise<boolean>, deadlineMs: number): Promise<void> {
    const { signal } = this.parts;
    const end = performance.now() + deadlineMs;
    while (!(await condition())) {
      if (signal.aborted) throw new Error('stopped');
      if (performance.now() > end) throw new Error(`not within ${Math.round(deadlineMs / 1000)} s: ${what}`);
      await sleep(20);
    }
  }

  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.parts.signal });
  }

  /** Whether the gateway has been ready for half a second, by a look that began after `at`. */
  readySince(at: number): boolean {
    const { health, lookedAt, readyFrom } = this.parts.watch;
    return health === 'ready' && lookedAt >= at && readyFrom !== undefined && lookedAt - Math.max(at, readyFrom) >= STEADY_MS;
  }

  /** Waits until messages are in the gateway, so that what happens next hits some. */
  async busy(): Promise<void> {
    await this.until('messages are in flight in the gateway', async () => (await this.site.gateway.status()).inFlight.messages > 0, 60_000);
  }

  /**
   * Runs `work` while the gateway stands still with messages that it has been given and has not acked: what takes its connections away
   * meanwhile makes the broker deliver them again for certain. That some were in flight a moment ago does not.
   */
  async withUnacked<T>(work: () => Promise<T>): Promise<T> {
    const { gateway } = this.site;
    const { fleet } = this.parts;
    gateway.signal('SIGSTOP');
    try {
      const { pubacked } = fleet.stats();
      await this.until(`${UNACKED} messages are acknowledged behind its back`, () => fleet.stats().pubacked - pubacked >= UNACKED, UNACKED_MS);
      return await work();
    } finally {
      gateway.signal('SIGCONT');
    }
  }

  /** Everything acknowledged has come out, and the gateway holds nothing. */
  async drained(deadlineMs = 120_000): Promise<void> {
    const { fleet, auditor } = this.parts;
    await this.until('the devices have their PUBACKs', () => fleet.stats().inFlight === 0, deadlineMs);
    let total = -1;
    await this.until(
      'the gateway is empty',
      async () => {
        const before = total;
        ({ total } = auditor.arrivals);
        const { inFlight } = await this.site.gateway.status();
        if (total === before && inFlight.messages === 0 && (await this.edgeHolds()) === 0 && (await this.ingestDepth()) === 0) return true;
        await this.pause(300);
        return false;
      },
      deadlineMs,
    );
  }

  /** Runs `work` while the devices are silent and nothing is under way: what is in a queue when it is deleted is gone with it. */
  async quietly(work: () => Promise<void>): Promise<void> {
    const { fleet } = this.parts;
    fleet.pause();
    try {
      await this.drained();
      await work();
    } finally {
      fleet.resume();
    }
  }

  private async edgeHolds(): Promise<number> {
    return (await this.site.edge?.view())?.owed ?? 0;
  }

  private async ingestDepth(): Promise<number> {
    return await this.site.admin(async (channel) => (await channel.checkQueue(this.site.settings.source.queue)).messageCount);
  }
}
