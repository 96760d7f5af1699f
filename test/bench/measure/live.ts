import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Running, Stand } from '../contenders/contender.ts';
import { contenderOf } from '../contenders/index.ts';
import { declare } from '../layout.ts';
import { Catcher } from '../load/catcher.ts';
import type { LoadResult } from '../load/load.ts';
import { type Finished, MqttLoad } from '../load/mqtt-load-process.ts';
import { auditStamps } from '../load/stamp-ledger.ts';
import type { Subject } from '../rows/row.ts';
import { cpuMicros, memoryOf } from '../support/proc.ts';
import type { Measures } from '../support/result.ts';
import { quantile } from '../support/stats.ts';
import { stopped, verdict } from './aftermath.ts';
import type { Measurer, Outcome } from './outcome.ts';

// Devices publish over MQTT while the contender is at work.

const CONSUME_MS = 60_000;
const now = (): number => performance.timeOrigin + performance.now();

interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly contenderMicros: number;
  readonly brokerMicros: number;
}

/**
 * At a fixed rate, whatever becomes of the messages before: latency counts from when a message was due. The warm-up is as long as what is measured:
 * behind a quarter of it V8 was still compiling, and a message took the gateway 149 us where it takes 133 later
 * (2,000 a second; two rounds, and one).
 */
export const latency: Measurer = async (subject, stand) => {
  const { rate = 0, seconds = 0 } = subject.scenario;
  const { outcome, books } = await live(subject, stand, async (load, marks) => await load.pace(rate, seconds, seconds, marks));
  const { latencies } = books;
  const measures: Measures = {
    ...outcome.measures,
    offeredPerSecond: rate,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    p999Ms: quantile(latencies, 0.999),
    maxMs: quantile(latencies, 1),
  };
  return { ...outcome, measures };
};

/** As fast as the broker acknowledges: where the MQTT plugin has its ceiling. */
export const saturate: Measurer = async (subject, stand) => {
  const { seconds = 0 } = subject.scenario;
  const { outcome } = await live(subject, stand, async (load, marks) => await load.saturate(seconds / 4, seconds, marks));
  return outcome;
};

type Drive = (load: MqttLoad, marks: { began: () => void; ended: () => void }) => Promise<LoadResult>;

async function live({ contender: name, scenario }: Subject, stand: Stand, drive: Drive): Promise<{ outcome: Outcome; books: ReturnType<typeof auditStamps> }> {
  const { broker } = stand;
  const contender = contenderOf(name);
  mkdirSync(stand.dir, { recursive: true });
  await declare(broker, scenario);
  const catcher = await Catcher.start(broker, contender.queue, contender.each(scenario));
  let [running, load]: [Running | undefined, MqttLoad | undefined] = [undefined, undefined];
  try {
    running = await contender.start(scenario, stand);
    await running.ready;
    const { pid } = running;
    const { name: username, password } = broker.users.admin;
    load = await MqttLoad.connect({
      host: '127.0.0.1',
      port: broker.node.ports.mqtt,
      credentials: { username, password },
      prefix: 'live',
      clients: scenario.clients ?? 1,
      topicsPerClient: scenario.devices / (scenario.clients ?? 1),
      window: scenario.window ?? 1,
      payloadBytes: 120,
    });
    let stretch: Stretch = { from: Number.NaN, to: Number.NaN, contenderMicros: Number.NaN, brokerMicros: Number.NaN };
    const began = (): void => {
      stretch = { from: now(), to: Number.NaN, contenderMicros: cpuMicros(pid), brokerMicros: cpuMicros(broker.pid) };
    };
    const ended = (): void => {
      stretch = {
        from: stretch.from,
        to: now(),
        contenderMicros: cpuMicros(pid) - stretch.contenderMicros,
        brokerMicros: cpuMicros(broker.pid) - stretch.brokerMicros,
      };
    };
    await running.probe?.();
    const acknowledged = await drive(load, { began, ended });
    const inside = await running.probe?.();
    const finished: Finished = await load.finish(CONSUME_MS);
    const sent = finished.publishedEach.reduce((sum, count) => sum + count, 0);
    await arrived(catcher, sent, running);
    const { peak } = memoryOf(pid);
    const stop = await stopped(running);
    const books = auditStamps(catcher.caught, finished.publishedEach, stretch.from, stretch.to);
    const failure = running.failure() ?? stop ?? (await verdict(broker, books, sent));
    const messages = acknowledged.acked;
    const measures: Measures = {
      inPerSecond: failure === undefined ? acknowledged.perSecond : 0,
      pubackP99Ms: acknowledged.latency.p99,
      cpuMicrosPerMessage: stretch.contenderMicros / messages,
      brokerCpuMicrosPerMessage: stretch.brokerMicros / messages,
      rssPeakBytes: peak,
      loopP99Ms: inside?.loopP99Ms ?? Number.NaN,
      lost: books.lost,
      duplicates: books.duplicates,
    };
    return { outcome: { measures, failure }, books };
  } finally {
    await load?.close();
    await running?.stop().catch(() => undefined);
    await catcher.stop();
  }
}

/** Until all are there, or none came for a while. */
async function arrived(catcher: Catcher, sent: number, running: Running): Promise<void> {
  if (running.failure() !== undefined) return;
  await Promise.race([catcher.reached(sent, CONSUME_MS / 2), sleep(CONSUME_MS, undefined, { ref: false })]);
}
