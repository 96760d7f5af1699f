import { setTimeout as sleep } from 'node:timers/promises';
import { MqttLoad } from '../load/mqtt-load-process.ts';
import { cpuMicros, memoryOf } from '../support/proc.ts';
import type { Measures, RowResult, SubjectResult } from '../support/result.ts';
import { ACK_MS, allAcked } from './all-acked.ts';
import { auditQueue } from './audit.ts';
import type { BenchContext } from './bench-context.ts';
import { EdgeBed } from './edge-bed.ts';
import { LiveQueue } from './live-queue.ts';

const FILL = { prefix: 'fill', clients: 200, window: 32, topicsPerClient: 10 } as const;
/** Windows so large that a message need not wait for a place: the loop stays open. */
const LIVE = { prefix: 'live', clients: 100, window: 200, topicsPerClient: 4, payloadBytes: 150, perSecond: 1000 } as const;
const LIVE_FIRST = 50_000;
const DRAIN_MS = 1_800_000;
const LOOK_MS = 100;

/** How messages leave the edge: as the MQTT plugin would publish them, or through the routes of a gateway, in batches. */
const MODES = ['bridge', 'direct'] as const;

/**
 * RabbitMQ takes nothing: the spool grows. It takes again: the spool drains, while other topics are published at a fixed rate. It is a memory
 * alarm that stops it, which blocks publishers, and can be raised and lifted at once.
 */
export async function spoolRow(context: BenchContext): Promise<RowResult> {
  const { smoke, spoolBytes, spoolPayloadBytes: payloadBytes } = context.options;
  const fillQueue = await context.queue(FILL.prefix, 'quorum');
  const live = await LiveQueue.open(await context.broker.connect(), await context.queue(LIVE.prefix, 'quorum'));
  context.finally(async () => await live.close());
  context.finally(async () => await setAlarm(context, false));
  const perSecond = smoke ? 100 : LIVE.perSecond;
  const scenario = { ...FILL, payloadBytes, queueType: 'quorum', liveClients: LIVE.clients, livePerSecond: perSecond, spoolBytes };
  const subjects: SubjectResult[] = [];
  for (const mode of MODES) {
    const measured = await measure(context, mode, { fillQueue, live, perSecond });
    subjects.push({ label: `edge, ${mode}`, contender: 'edge', scenario, ...measured });
  }
  return { name: 'spool', title: 'A spool that grows, and drains while live messages come', subjects };
}

interface Bench {
  readonly fillQueue: string;
  readonly live: LiveQueue;
  readonly perSecond: number;
}

async function measure(
  context: BenchContext,
  mode: (typeof MODES)[number],
  { fillQueue, live, perSecond }: Bench,
): Promise<Pick<SubjectResult, 'rounds' | 'course'>> {
  const { rounds, spoolBytes, spoolPayloadBytes: payloadBytes } = context.options;
  const bed = await EdgeBed.start({
    dir: context.folder(`spool-${mode}`),
    name: `spool-${mode}`,
    url: context.broker.amqpUrl,
    mode,
    spoolMaxBytes: Math.max(2 ** 26, spoolBytes * 2),
  });
  const measured: Measures[] = [];
  let course: Readonly<Record<string, readonly number[]>> | undefined;
  try {
    for (let round = 0; round < rounds; round += 1) {
      // No client of one mode has the number of one of the other.
      const turn = MODES.indexOf(mode) * rounds + round;
      const [firstFill, firstLive] = [turn * FILL.clients, LIVE_FIRST + turn * LIVE.clients];
      const fill = await MqttLoad.connect({ host: '127.0.0.1', port: bed.port, ...FILL, payloadBytes, firstClient: firstFill });
      const pace = await MqttLoad.connect({ host: '127.0.0.1', port: bed.port, ...LIVE, firstClient: firstLive });
      try {
        const before = await calm(context, pace, live, perSecond);
        const filled = await grow(context, bed, fill);
        // Silent for longer than a keep-alive, they would be sent away.
        await fill.close();
        const during = await drain(context, bed, pace, live, perSecond);
        await bed.drained(DRAIN_MS);
        const liveEach = (await allAcked(pace)).publishedEach;
        const model = await context.broker.connect();
        const twice =
          (await auditQueue(model, fillQueue, { first: firstFill, each: filled.each })) + (await live.audit({ first: firstLive, each: liveEach }, ACK_MS));
        await model.close();
        ({ course } = filled);
        measured.push({ ...before, ...filled.measures, ...during, twice });
        context.say(`spool ${round + 1}/${rounds} ${mode}: ${JSON.stringify(measured.at(-1))}`);
      } finally {
        await fill.close();
        await pace.close();
      }
    }
  } finally {
    await bed.stop();
  }
  return { rounds: measured, course };
}

/** Live messages while there is nothing else. */
async function calm({ options }: BenchContext, pace: MqttLoad, live: LiveQueue, perSecond: number): Promise<Measures> {
  let delays = live.measure();
  const { latency } = await pace.pace(perSecond, options.seconds / 4, options.seconds, { began: () => void (delays = live.measure()) });
  await allAcked(pace);
  const { p50, p99 } = delays.summary();
  return { calmAckP50Ms: latency.p50, calmAckP99Ms: latency.p99, calmDeliveryP50Ms: p50, calmDeliveryP99Ms: p99 };
}

async function grow(
  context: BenchContext,
  bed: EdgeBed,
  fill: MqttLoad,
): Promise<{ readonly measures: Measures; readonly course: Readonly<Record<string, readonly number[]>>; readonly each: readonly number[] }> {
  const { spoolBytes } = context.options;
  await setAlarm(context, true);
  // RabbitMQ says so to those who publish: the first messages of what follows.
  const cpu = cpuMicros(bed.pid);
  const from = performance.now();
  const course: { spoolBytes: number[]; rssBytes: number[]; seconds: number[] } = { spoolBytes: [], rssBytes: [], seconds: [] };
  let full = false;
  const looking = (async () => {
    while (!full) {
      const { spool } = await bed.view();
      course.spoolBytes.push(spool.bytes);
      course.rssBytes.push(memoryOf(bed.pid).rss);
      course.seconds.push((performance.now() - from) / 1000);
      full = spool.bytes >= spoolBytes;
      if (full) await fill.stop();
      else await sleep(LOOK_MS);
    }
  })();
  const result = await fill.saturate(0, 86_400);
  full = true;
  await looking;
  const { acked, publishedEach: each } = await allAcked(fill);
  const micros = (cpuMicros(bed.pid) - cpu) / acked;
  const { spool } = await bed.view();
  const { rssBytes } = course;
  // What it takes to run at all is there after a fifth of the way.
  const steady = rssBytes.slice(Math.floor(rssBytes.length / 5));
  return {
    course,
    each,
    measures: {
      writePerSecond: result.perSecond,
      writeBytesPerSecond: (spool.bytes / acked) * result.perSecond,
      writeAckP50Ms: result.latency.p50,
      writeAckP99Ms: result.latency.p99,
      writeMicrosPerMessage: micros,
      spoolBytes: spool.bytes,
      spoolMessages: spool.messages,
      rssEarlyBytes: steady[0] ?? Number.NaN,
      rssMostBytes: Math.max(...steady),
      rssLastBytes: steady.at(-1) ?? Number.NaN,
    },
  };
}

async function drain(context: BenchContext, bed: EdgeBed, pace: MqttLoad, live: LiveQueue, perSecond: number): Promise<Measures> {
  const { messages } = (await bed.view()).spool;
  const lifted = setAlarm(context, false);
  await bed.until('it is connected again', ({ connected }) => connected, 60_000);
  const from = performance.now();
  const cpu = cpuMicros(bed.pid);
  let delays = live.measure();
  const running = pace.pace(perSecond, 0, 86_400, { began: () => void (delays = live.measure()) });
  // To the last tenth: what comes then is more live messages than old ones.
  await bed.until('the spool has drained', ({ spool }) => spool.messages <= messages / 10, DRAIN_MS);
  const seconds = (performance.now() - from) / 1000;
  const left = (await bed.view()).spool.messages;
  const micros = cpuMicros(bed.pid) - cpu;
  await pace.stop();
  const { latency } = await running;
  await lifted;
  const { p50, p99 } = delays.summary();
  return {
    drainPerSecond: (messages - left) / seconds,
    drainSeconds: seconds,
    drainMicrosPerMessage: micros / (messages - left),
    drainAckP50Ms: latency.p50,
    drainAckP99Ms: latency.p99,
    drainDeliveryP50Ms: p50,
    drainDeliveryP99Ms: p99,
    rssDrainedBytes: memoryOf(bed.pid).rss,
  };
}

async function setAlarm({ broker }: BenchContext, raised: boolean): Promise<void> {
  await broker.node.ctl(['set_vm_memory_high_watermark', ...(raised ? ['absolute', '1'] : ['0.4'])]);
}
