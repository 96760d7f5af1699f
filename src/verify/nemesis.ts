import { pick, type Rng, stream } from '../../devices/random.ts';
import type { Fault } from './fault.ts';
import { faultOf, NEMESIS } from './faults/index.ts';
import type { Field } from './field.ts';
import { applyFault, type FaultRow } from './row.ts';

export interface NemesisEvents {
  doing(what: string): void;
  done(row: FaultRow): void;
}

/** Between two faults of a random mix: 10 s give or take 5. */
const GAP_MS = 10_000;

/** Applies faults one after the other: the given ones in their order, `random` as long as there is time. */
export class Nemesis {
  private readonly field: Field;
  private readonly events: NemesisEvents;

  constructor(field: Field, events: NemesisEvents) {
    this.field = field;
    this.events = events;
  }

  /** `end`: when a random mix stops, on the monotonic clock. */
  async run(kinds: readonly string[], end: number): Promise<FaultRow[]> {
    const rows: FaultRow[] = [];
    for (const kind of kinds) {
      if (kind === 'random') await this.mix(end, rows);
      else rows.push(await this.apply(faultOf(kind), kind, true));
    }
    return rows;
  }

  private async mix(end: number, rows: FaultRow[]): Promise<void> {
    const random: Rng = stream(this.field.parts.seed, 'nemesis');
    do {
      const kind = pick(random, NEMESIS);
      const gap = GAP_MS / 2 + random() * GAP_MS;
      // No wait for the backlog: faults may meet what the last one left behind.
      rows.push(await this.apply(faultOf(kind), kind, false));
      this.events.doing('between two faults');
      if (performance.now() < end) await this.field.pause(Math.min(gap, Math.max(0, end - performance.now())));
    } while (performance.now() < end);
  }

  private async apply(fault: Fault | undefined, kind: string, catchUp: boolean): Promise<FaultRow> {
    if (fault === undefined) throw new Error(`there is no fault ${kind}`);
    this.events.doing(kind);
    const row = await applyFault(this.field, fault, { catchUp });
    this.events.done(row);
    return row;
  }
}
