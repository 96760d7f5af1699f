import { loadavg } from 'node:os';
import { mkdirSync } from 'node:fs';
import type { Running, Stand } from '../contenders/contender.ts';
import { contenderOf } from '../contenders/index.ts';
import { DEAD, declare, depth, INGEST } from '../layout.ts';
import { fill } from '../load/amqp-fill.ts';
import { Catcher } from '../load/catcher.ts';
import { audit, readerOf } from '../load/ledger.ts';
import { messagesOf } from '../load/payloads.ts';
import { type Scenario, total } from '../scenario.ts';
import { cpuMicros, memoryOf } from '../support/proc.ts';
import type { Measures } from '../support/result.ts';

/** So long without a message and the round is over, as a loss. */
const STALL_MS = 30_000;
/** Points of the course of a round. */
const POINTS = 20;

export interface Drained {
  readonly measures: Measures;
  /** `messages`: how many had come out; `atMs` since the first point; resident memory of the contender, bytes. */
  readonly course: { readonly messages: number[]; readonly atMs: number[]; readonly rssBytes: number[] };
  /** Why the round does not count; undefined when every message came out. */
  readonly failure: string | undefined;
}

interface Sample {
  readonly atMs: number;
  readonly count: number;
  readonly caught: number;
  readonly contenderMicros: number;
  readonly brokerMicros: number;
}

/** Messages wait in the ingest queue; a contender is started on them, and what comes out is counted, one by one. */
export async function drain(name: string, scenario: Scenario, stand: Stand): Promise<Drained> {
  const { broker } = stand;
  const contender = contenderOf(name);
  const all = total(scenario);
  mkdirSync(stand.dir, { recursive: true });
  await declare(broker, scenario);
  await fill(broker, messagesOf(scenario, Date.now()).message, all);
  const catcher = await Catcher.start(broker, contender.queue, contender.each(scenario));
  let running: Running | undefined;
  try {
    running = await contender.start(scenario, stand);
    const { pid, probe } = running;
    const sample = (): Sample => ({
      atMs: performance.now(),
      count: catcher.count,
      caught: catcher.caught.length,
      contenderMicros: cpuMicros(pid),
      brokerMicros: cpuMicros(broker.pid),
    });
    let first: Sample | undefined;
    let last: Sample | undefined;
    const course: Drained['course'] = { messages: [], atMs: [], rssBytes: [] };
    let began: ReturnType<NonNullable<typeof probe>> | undefined;
    catcher.onCount(scenario.warmUp, () => {
      first = sample();
      began = probe?.();
      began?.catch(() => undefined);
    });
    for (let i = 0; i <= POINTS; i += 1) {
      const at = scenario.warmUp + Math.floor((scenario.messages * i) / POINTS);
      catcher.onCount(at, () => {
        course.messages.push(catcher.count);
        course.atMs.push(performance.now() - (first?.atMs ?? Number.NaN));
        course.rssBytes.push(memoryOf(pid).rss);
      });
    }
    catcher.onCount(all, () => {
      last = sample();
    });
    await running.ready;
    const complete = await catcher.reached(all, STALL_MS);
    await began;
    const inside = complete && running.failure() === undefined ? await probe?.() : undefined;
    const memory = memoryOf(pid);
    const load = loadavg()[0] ?? Number.NaN;
    const ended = await stopped(running);
    // What was not acked is back in its queue now.
    const [left, dead] = [await depth(broker, INGEST), await depth(broker, DEAD)];
    const { lost, duplicates } = audit(catcher.caught, all, readerOf(name, scenario.payload));
    const failure = running.failure() ?? ended ?? why({ lost, left, dead, all });
    const seconds = first === undefined || last === undefined ? Number.NaN : (last.atMs - first.atMs) / 1000;
    const messages = (last?.count ?? 0) - (first?.count ?? 0);
    const each = (part: 'contenderMicros' | 'brokerMicros'): number =>
      first === undefined || last === undefined ? Number.NaN : (last[part] - first[part]) / messages;
    const measures: Measures = {
      inPerSecond: failure === undefined ? messages / seconds : 0,
      outPerSecond: failure === undefined ? ((last?.caught ?? 0) - (first?.caught ?? 0)) / seconds : 0,
      cpuMicrosPerMessage: each('contenderMicros'),
      brokerCpuMicrosPerMessage: each('brokerMicros'),
      cpuShare: (each('contenderMicros') * messages) / (seconds * 1e6),
      rssPeakBytes: memory.peak,
      loopP99Ms: inside?.loopP99Ms ?? Number.NaN,
      loopMaxMs: inside?.loopMaxMs ?? Number.NaN,
      gcMsPerSecond: inside === undefined ? Number.NaN : inside.gcMs / seconds,
      lost,
      duplicates,
      load,
    };
    return { measures, course, failure };
  } finally {
    await running?.stop().catch(() => undefined);
    await catcher.stop();
  }
}

/** Why it did not end in order; undefined when it did. */
async function stopped(running: Running): Promise<string | undefined> {
  try {
    await running.stop();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function why({ lost, left, dead, all }: { lost: number; left: number; dead: number; all: number }): string | undefined {
  if (lost > 0) return `${lost} of ${all} messages did not come out`;
  if (left > 0) return `${left} messages came out and were not acked`;
  return dead > 0 ? `${dead} messages were dead-lettered` : undefined;
}
