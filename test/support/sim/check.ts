import type { SimBroker } from './broker.ts';

/** Exchange of the dead letters, and the queue behind it. */
export const DEAD_LETTERS = 'dead';

/** What a history published. */
export interface Expected {
  /** n of every reading -> its topic, and the exchanges or fault codes in which it must end. */
  readonly readings: Map<number, { readonly topic: string; readonly ends: ReadonlySet<string> }>;
  /** Bodies that are not JSON. */
  readonly broken: Set<string>;
}

/** What the gateway still holds at the end, and the publishes that were allowed at once. */
export interface Left {
  readonly messages: number;
  readonly items: number;
  readonly publishes: number;
}

interface Arrived {
  readonly n: number;
  readonly topic: string;
}

/**
 * The readings by exchange, in the order in which they arrived at its queues. Each topic has one destination at a time in an
 * exchange, so its order holds over all of them, also where other settings send it elsewhere in between.
 */
export function arrivals(broker: SimBroker): Map<string, Arrived[]> {
  const all = new Map<string, Arrived[]>();
  for (const { exchange, texts } of broker.accepted) {
    if (exchange === DEAD_LETTERS) continue;
    const arrived = all.get(exchange) ?? [];
    all.set(exchange, arrived);
    for (const text of texts) {
      const { topic, values } = JSON.parse(text) as { topic: string; values: { n: number } };
      arrived.push({ topic, n: values.n });
    }
  }
  return all;
}

/** Reads the books when everything is mended: the promises that were broken, one line each. */
export function checkHistory(broker: SimBroker, arrivedIn: ReadonlyMap<string, readonly Arrived[]>, left: Left, expected: Expected): string[] {
  const violations: string[] = [];
  if (broker.backlog > 0) violations.push(`${broker.backlog} messages are still queued`);
  if (left.messages > 0) violations.push(`${left.messages} messages are still unacked`);
  if (left.items !== 0) violations.push(`${left.items} items are still in flight`);
  if (broker.maxPublishing > left.publishes) violations.push(`${broker.maxPublishing} publishes at once, allowed ${left.publishes}`);

  const ends = new Map<number, Set<string>>();
  const reached = (n: number, end: string): void => void ends.set(n, (ends.get(n) ?? new Set()).add(end));
  for (const [name, arrived] of arrivedIn) checkExchange(name, arrived, expected, reached, violations);
  const buried = new Set<string>();
  for (const { code = '', texts } of broker.queues.get(DEAD_LETTERS) ?? []) {
    const body = texts[0] ?? '';
    if (code === 'DECODE_INVALID') {
      if (!expected.broken.has(body)) violations.push(`dead-lettered as invalid: ${body}`);
      buried.add(body);
      continue;
    }
    // A letter holds the whole message, so it counts for each of its readings.
    for (const { v } of (JSON.parse(body) as { r: { v: { n: number } }[] }).r) reached(v.n, code);
  }
  for (const body of expected.broken) if (!buried.has(body)) violations.push(`lost: ${body}`);
  for (const [n, want] of expected.readings) {
    for (const end of want.ends) if (ends.get(n)?.has(end) !== true) violations.push(`lost: ${n} should have reached ${end}`);
  }
  return violations;
}

/** Nothing is where it does not belong, and first arrivals of one topic are in order. */
function checkExchange(
  exchange: string,
  arrived: readonly Arrived[],
  expected: Expected,
  reached: (n: number, end: string) => void,
  violations: string[],
): void {
  const seen = new Set<number>();
  const last = new Map<string, number>();
  for (const { topic, n } of arrived) {
    const want = expected.readings.get(n);
    if (want === undefined || want.topic !== topic || !want.ends.has(exchange)) violations.push(`unexpected ${n} of ${topic} in ${exchange}`);
    reached(n, exchange);
    if (seen.has(n)) continue;
    seen.add(n);
    if ((last.get(topic) ?? 0) > n) violations.push(`out of order in ${exchange}: ${n} after ${last.get(topic)} of ${topic}`);
    last.set(topic, n);
  }
}
