import { type Fault, type Heal, NotHere } from './fault.ts';
import type { Field } from './field.ts';
import type { Sign } from './watch.ts';

/** What came of one fault. */
export interface FaultRow {
  readonly kind: string;
  readonly rows: readonly string[];
  /** When it came into force, ISO 8601. */
  readonly at: string;
  /** From then to the first sign at `/status`; null: it need not show, or did not. */
  readonly detectedMs: number | null;
  /** What the gateway said then. */
  readonly sign: string | null;
  /** From the beginning of the repair (the start of a broker is part of it) until the gateway was ready and readings came out; null: never. */
  readonly recoveredMs: number | null;
  readonly duplicates: number;
  /** Deliveries that the broker marked as redelivered; null where it cannot be asked. */
  readonly redelivered: number | null;
  /** Why this machine does not allow the fault; null where it was tried. A skipped row says nothing about the gateway. */
  readonly skipped: string | null;
  readonly notes: readonly string[];
  /** Why the row is void or failed; empty when it is good. */
  readonly problems: readonly string[];
}

const RECOVER_MS = 180_000;
/** Not to catch up is no failure: what is missing at the end is. */
const CATCH_UP_MS = 60_000;

export interface RowOptions {
  /** Waits until what was acknowledged by then has come out, so that the next fault meets no backlog. */
  readonly catchUp: boolean;
}

/** Injects a fault, waits until it shows, mends it, and waits until readings flow again. Throws only when the run is given up. */
export async function applyFault(field: Field, fault: Fault, options: RowOptions): Promise<FaultRow> {
  const { auditor, signal } = field.parts;
  field.notes = [];
  field.problems = [];
  if (fault.mostDuplicates?.(field) === 0) await settled(field);
  const duplicatesBefore = auditor.arrivals.duplicates;
  const redeliveredBefore = await redeliveries(field);
  field.strike();
  let heal: Heal | undefined;
  let sign: Sign | null = null;
  let recoveredMs: number | null = null;
  let skipped: string | null = null;
  try {
    heal = await fault.inject(field);
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof NotHere) {
      skipped = error.message;
      field.note(`skipped: ${error.message}`);
    } else field.require(false, `could not be applied: ${messageOf(error)}`);
  }
  if (heal !== undefined) {
    let mending = 0;
    try {
      const withinMs = fault.showsWithinMs?.(field);
      if (withinMs !== undefined) sign = await detected(field, withinMs);
      if (fault.holdMs !== undefined) await field.pause(fault.holdMs);
    } finally {
      mending = Date.now();
      await heal();
    }
    recoveredMs = await recovered(field, mending);
    if (options.catchUp && recoveredMs !== null) await caughtUp(field);
  }
  const duplicates = auditor.arrivals.duplicates - duplicatesBefore;
  const redelivered = since(redeliveredBefore, await redeliveries(field));
  if (heal !== undefined && fault.redelivers === true) field.require(redelivered !== 0, 'void: the broker redelivered nothing');
  const most = fault.mostDuplicates?.(field);
  if (most !== undefined) field.require(duplicates <= most, `${duplicates} duplicates where ${most} are allowed`);
  return {
    kind: fault.kind,
    rows: fault.rows,
    at: new Date(field.struckAt).toISOString(),
    detectedMs: sign === null ? null : Math.max(0, sign.at - field.struckAt),
    sign: sign === null ? null : sign.reason,
    recoveredMs,
    duplicates,
    redelivered,
    skipped,
    notes: field.notes,
    problems: field.problems,
  };
}

/** Nothing of what was before is on its way any more, and devices publish again: a copy that an earlier fault made must not count as one of this. */
async function settled(field: Field): Promise<void> {
  const { fleet, site } = field.parts;
  if (site === undefined) return;
  await orNote(field, async () => {
    await field.quietly(async () => {});
    const { pubacked } = fleet.stats();
    await field.until('the devices publish again', () => fleet.stats().pubacked > pubacked, CATCH_UP_MS);
  });
}

async function detected(field: Field, withinMs: number): Promise<Sign | null> {
  const { watch, signal } = field.parts;
  try {
    await field.until('a sign of it', () => watch.signSince(field.struckAt) !== undefined, withinMs);
  } catch (error) {
    if (signal.aborted) throw error;
    field.require(false, `did not show within ${Math.round(withinMs / 1000)} s`);
    return null;
  }
  return watch.signSince(field.struckAt) ?? null;
}

async function recovered(field: Field, mending: number): Promise<number | null> {
  const { auditor, watch, signal } = field.parts;
  const { total } = auditor.arrivals;
  let flowedAt: number | undefined;
  try {
    await field.until(
      'the gateway is ready and readings come out',
      () => {
        if (auditor.arrivals.total > total) flowedAt ??= Date.now();
        return flowedAt !== undefined && field.readySince(mending);
      },
      RECOVER_MS,
    );
  } catch (error) {
    if (signal.aborted) throw error;
    field.require(false, `not recovered after ${RECOVER_MS / 1000} s: the gateway is ${watch.health}; ${watch.last?.reasons.join('; ') ?? ''}`);
    return null;
  }
  return Math.max(0, Math.max(flowedAt ?? 0, watch.readyFrom ?? 0) - mending);
}

async function caughtUp(field: Field): Promise<void> {
  const { auditor, fleet } = field.parts;
  const { pubacked } = fleet.stats();
  await orNote(field, async () => await field.until('what was acknowledged has come out', () => auditor.arrivals.unique >= pubacked, CATCH_UP_MS));
}

/** A wait that may fail: the verdict at the end says what is missing. Throws only when the run is given up. */
async function orNote(field: Field, wait: () => Promise<void>): Promise<void> {
  try {
    await wait();
  } catch (error) {
    if (field.parts.signal.aborted) throw error;
    field.note(messageOf(error));
  }
}

/** By process: a broker that was started anew counts from 0, and within one process so does one that gave up as a minority and came back. */
type Redeliveries = ReadonlyMap<number, number>;

async function redeliveries(field: Field): Promise<Redeliveries> {
  return (await field.parts.site?.redelivered()) ?? new Map<number, number>();
}

export function since(before: Redeliveries, now: Redeliveries): number | null {
  const gained = ([broker, count]: readonly [number, number]): number => {
    const earlier = before.get(broker) ?? 0;
    return count < earlier ? count : count - earlier;
  };
  return now.size === 0 ? null : [...now].reduce((sum, each) => sum + gained(each), 0);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
