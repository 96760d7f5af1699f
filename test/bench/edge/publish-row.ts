import { MqttLoad } from '../load/mqtt-load-process.ts';
import type { Measures, RowResult } from '../support/result.ts';
import { allAcked } from './all-acked.ts';
import type { Owed } from './audit.ts';
import type { BenchContext } from './bench-context.ts';
import { bridge, type Contender, plugin, spooling } from './contenders.ts';

/** Devices that send small readings, each a few at a time. */
const SHAPE = { clients: 200, window: 16, topicsPerClient: 4, payloadBytes: 150 } as const;
const SMOKE_SHAPE = { clients: 20, window: 4, topicsPerClient: 2, payloadBytes: 150 } as const;

/** QoS 1 publishes a second with windows full, and latency at a rate that all can carry. */
export async function publishRow(context: BenchContext): Promise<RowResult> {
  const { rounds, rate, smoke, seconds } = context.options;
  const shape = smoke ? SMOKE_SHAPE : SHAPE;
  const contenders = [
    await plugin(context, 'classic'),
    await plugin(context, 'quorum'),
    await spooling(context),
    await bridge(context, 'classic'),
    await bridge(context, 'quorum'),
  ];
  const measured = contenders.map((): Measures[] => []);
  const owed = contenders.map((): Owed[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, contender] of contenders.entries()) {
      const result = await stretch(context, contender, shape, round * shape.clients);
      measured[i]?.push(result.measures);
      owed[i]?.push(result.owed);
      context.say(`publish ${round + 1}/${rounds} ${contender.label}: ${Math.round(result.measures['perSecond'] ?? 0)}/s`);
    }
  }
  for (const [i, contender] of contenders.entries()) await contender.auditAll(owed[i] ?? []);
  return {
    name: 'publish',
    title: 'QoS 1 publishes, acknowledged',
    subjects: contenders.map(({ label, contender, kept }, i) => ({
      label,
      contender,
      scenario: { ...shape, kept, rate, seconds },
      rounds: measured[i] ?? [],
    })),
  };
}

async function stretch(
  { options }: BenchContext,
  contender: Contender,
  shape: typeof SHAPE | typeof SMOKE_SHAPE,
  firstClient: number,
): Promise<{ readonly measures: Measures; readonly owed: Owed }> {
  const { port, credentials, prefix } = contender;
  const { seconds, rate } = options;
  const load = await MqttLoad.connect({ host: '127.0.0.1', port, credentials, prefix, firstClient, ...shape });
  try {
    // CPU counts until everything is where it stays: what the edge only puts off must not come cheap.
    const first = contender.cpu();
    const startedAt = performance.now();
    const full = await load.saturate(seconds / 4, seconds);
    const afterFull = await allAcked(load);
    await contender.settled();
    const settledSeconds = (performance.now() - startedAt) / 1000;
    const second = contender.cpu();
    const paced = await load.pace(rate, seconds / 8, seconds);
    const all = await allAcked(load);
    await contender.settled();
    const third = contender.cpu();
    const owed = { first: firstClient, each: all.publishedEach };
    const twice = await contender.audit(owed);
    return {
      owed,
      measures: {
        perSecond: full.perSecond,
        settledPerSecond: afterFull.acked / settledSeconds,
        ackP50Ms: full.latency.p50,
        ackP99Ms: full.latency.p99,
        edgeMicrosPerMessage: (second.edge - first.edge) / afterFull.acked,
        brokerMicrosPerMessage: (second.broker - first.broker) / afterFull.acked,
        pacedPerSecond: paced.perSecond,
        pacedAckP50Ms: paced.latency.p50,
        pacedAckP99Ms: paced.latency.p99,
        pacedEdgeMicrosPerMessage: (third.edge - second.edge) / (all.acked - afterFull.acked),
        pacedBrokerMicrosPerMessage: (third.broker - second.broker) / (all.acked - afterFull.acked),
        generatorMicrosPerMessage: full.generatorUs,
        acked: all.acked,
        twice,
      },
    };
  } finally {
    await load.close();
  }
}
