import type { Flow } from './live-line.ts';

interface Counts {
  readonly received: number;
  readonly forwarded: number;
  readonly deadLettered: number;
  readonly filtered: number;
  readonly deduplicated: number;
  readonly abandoned: number;
}

interface Pair {
  readonly messages: number;
  readonly items: number;
}

/** The part of the gateway's `/status` that is shown here. */
export interface GatewayStatus {
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly readings: number;
  readonly ledger: { readonly messages: Counts; readonly items: Counts };
  readonly inFlight: Pair;
  readonly imbalance: Pair;
  readonly lagMs: number | null;
}

/** One look at the gateway; undefined when it does not answer in time. */
export async function fetchStatus(base: string, timeoutMs: number): Promise<GatewayStatus | undefined> {
  try {
    const response = await fetch(`${base}/status`, { signal: AbortSignal.timeout(timeoutMs) });
    return response.ok ? ((await response.json()) as GatewayStatus) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether `/readyz` says ready; undefined when it does not answer. */
export async function fetchReady(base: string, timeoutMs: number): Promise<boolean | undefined> {
  try {
    const response = await fetch(`${base}/readyz`, { signal: AbortSignal.timeout(timeoutMs) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return undefined;
  }
}

export function flowOf(status: GatewayStatus): Flow {
  return {
    readings: status.readings,
    forwarded: status.ledger.items.forwarded,
    deadLettered: status.ledger.items.deadLettered,
    inFlight: status.inFlight.items,
    lagMs: status.lagMs ?? undefined,
    trouble: status.ready ? undefined : `NOT READY: ${status.reasons[0] ?? 'no reason given'}`,
  };
}

function books(unit: string, counts: Counts, inFlight: number): string {
  const { received, forwarded, deadLettered, filtered, deduplicated, abandoned } = counts;
  return `${received} ${unit} received = ${forwarded} forwarded + ${deadLettered} dead-lettered + ${filtered} filtered + ${deduplicated} deduplicated + ${abandoned} given back + ${inFlight} in flight`;
}

/** The books at the end, in two lines and a verdict. */
export function ledgerLines(status: GatewayStatus): string[] {
  const { ledger, inFlight, imbalance } = status;
  const balanced = imbalance.messages === 0 && imbalance.items === 0;
  const verdict = balanced ? 'balanced' : `NOT BALANCED: ${imbalance.messages} messages and ${imbalance.items} items are unaccounted for; please report this`;
  return [books('messages', ledger.messages, inFlight.messages), books('items', ledger.items, inFlight.items), `ledger: ${verdict}`];
}
