import { MqttLoad } from '../load/mqtt-load-process.ts';
import type { Measures, RowResult } from '../support/result.ts';
import type { BenchContext } from './bench-context.ts';
import { forkServer } from './fork-server.ts';

/** Few clients that send much, and many that send one at a time. */
const SHAPES = [
  { clients: 200, window: 16 },
  { clients: 2000, window: 1 },
] as const;

/** What the load can do where the server costs next to nothing. */
export async function generatorRow(context: BenchContext): Promise<RowResult> {
  const { rounds, seconds, smoke } = context.options;
  const { port, stop } = await forkServer('load/ack-server');
  context.finally(stop);
  const measured = SHAPES.map((): Measures[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, shape] of SHAPES.entries()) {
      const clients = smoke ? 20 : shape.clients;
      const load = await MqttLoad.connect({ host: '127.0.0.1', port, prefix: 'load', ...shape, clients, topicsPerClient: 1, payloadBytes: 150 });
      const { perSecond, generatorUs, latency } = await load.saturate(seconds / 4, seconds);
      await load.close();
      measured[i]?.push({ perSecond, generatorMicrosPerMessage: generatorUs, ackP50Ms: latency.p50, ackP99Ms: latency.p99 });
    }
  }
  return {
    name: 'generator',
    title: 'The load itself, against a server that only acknowledges',
    subjects: SHAPES.map((shape, i) => ({
      label: `${shape.clients} clients, window ${shape.window}`,
      contender: 'load',
      scenario: { ...shape, seconds },
      rounds: measured[i] ?? [],
    })),
  };
}
