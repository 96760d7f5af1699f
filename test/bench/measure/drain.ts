import { mkdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import type { Running } from '../contenders/contender.ts';
import { contenderOf } from '../contenders/index.ts';
import { declare } from '../layout.ts';
import { fill } from '../load/amqp-fill.ts';
import { Catcher } from '../load/catcher.ts';
import { audit, readerOf } from '../load/ledger.ts';
import { messagesOf } from '../load/payloads.ts';
import { total } from '../scenario.ts';
import { cpuMicros, memoryOf } from '../support/proc.ts';
import type { Measures } from '../support/result.ts';
import { stopped, verdict } from './aftermath.ts';
import type { Measurer } from './outcome.ts';

/** So long without a message and the round is over, as a loss. */
const STALL_MS = 30_000;
/** Points of the course of a round. */
const POINTS = 20;

/** How things stand when so many messages have come out. */
interface Sample {
  readonly atMs: number;
  /** Messages of devices. */
  readonly count: number;
  /** Messages of the output. */
  readonly caught: number;
  readonly contenderMicros: number;
  readonly brokerMicros: number;
}

/** Messages wait in the ingest queue; a contender is started on them, and what comes out is counted, one by one. */
export const drain: Measurer = async ({ contender: name, scenario }, stand) => {
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
    const marks: { first?: Sample; last?: Sample } = {};
    let began: Promise<unknown> | undefined;
    catcher.onCount(scenario.warmUp, () => {
      marks.first = sample();
      // Begins the stretch of time that the last reading is about.
      began = probe?.().catch(() => undefined);
    });
    const course = { messages: [] as number[], atMs: [] as number[], rssBytes: [] as number[] };
    for (let i = 0; i <= POINTS; i += 1) {
      catcher.onCount(scenario.warmUp + Math.floor((scenario.messages * i) / POINTS), () => {
        course.messages.push(catcher.count);
        course.atMs.push(Math.round(performance.now() - (marks.first?.atMs ?? Number.NaN)));
        course.rssBytes.push(memoryOf(pid).rss);
      });
    }
    catcher.onCount(all, () => {
      marks.last = sample();
    });
    await running.ready;
    const complete = await catcher.reached(all, STALL_MS);
    await began;
    const inside = complete && running.failure() === undefined ? await probe?.() : undefined;
    const memory = memoryOf(pid);
    const ended = await stopped(running);
    const books = audit(catcher.caught, all, readerOf(name, scenario.payload));
    const failure = running.failure() ?? ended ?? (await verdict(broker, books, all));
    const { first, last } = marks;
    const measures: Measures = {
      ...rates(first, last, failure === undefined),
      rssPeakBytes: memory.peak,
      loopP99Ms: inside?.loopP99Ms ?? Number.NaN,
      loopMaxMs: inside?.loopMaxMs ?? Number.NaN,
      gcShare: (inside?.gcMs ?? Number.NaN) / ((last?.atMs ?? Number.NaN) - (first?.atMs ?? Number.NaN)),
      ...books,
      load: loadavg()[0] ?? Number.NaN,
    };
    return { measures, course, failure };
  } finally {
    await running?.stop().catch(() => undefined);
    await catcher.stop();
  }
};

/** A rate with a loss is zero. */
function rates(first: Sample | undefined, last: Sample | undefined, counts: boolean): Measures {
  if (first === undefined || last === undefined || !counts) return { inPerSecond: 0, outPerSecond: 0 };
  const seconds = (last.atMs - first.atMs) / 1000;
  const messages = last.count - first.count;
  return {
    inPerSecond: messages / seconds,
    outPerSecond: (last.caught - first.caught) / seconds,
    cpuMicrosPerMessage: (last.contenderMicros - first.contenderMicros) / messages,
    brokerCpuMicrosPerMessage: (last.brokerMicros - first.brokerMicros) / messages,
    cpuShare: (last.contenderMicros - first.contenderMicros) / (seconds * 1e6),
  };
}
