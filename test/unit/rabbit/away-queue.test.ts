import { describe, expect, it } from 'vitest';
import type { GatewayEvent } from '../../../src/domain/events.ts';
import { systemScheduler } from '../../../src/pipeline/scheduler.ts';
import { assertTopology, TopologyError } from '../../../src/rabbit/assert-topology.ts';
import type { Connection } from '../../../src/rabbit/connection.ts';
import { buildTopology, type Topology } from '../../../src/rabbit/topology.ts';

const TOPOLOGY = buildTopology({
  ingest: { queue: 'in', topics: ['#'] },
  deadLetters: { exchange: 'dead', queue: 'dead' },
  exchanges: [{ name: 'out', type: 'topic' }],
  queues: [
    { name: 'alarms', type: 'classic', bindings: [{ exchange: 'out', routingKey: 'a' }] },
    { name: 'readings', type: 'quorum', bindings: [{ exchange: 'out', routingKey: 'r' }] },
  ],
});

/** A broker that refuses one queue so; a refusal costs the channel, as AMQP has it. */
function broker(refused: string, code: number): { connection: Connection; done: string[]; channels: number } {
  const state = { done: [] as string[], channels: 0 };
  const openChannel = async (): Promise<unknown> => {
    state.channels += 1;
    let open = true;
    const act = async (what: string, queue?: string): Promise<void> => {
      if (!open) throw new Error('IllegalOperationError: Channel closed');
      if (queue === refused) {
        open = false;
        throw Object.assign(new Error(`home node of durable queue '${queue}' is down or inaccessible`), { code });
      }
      state.done.push(what);
      await Promise.resolve();
    };
    return await Promise.resolve({
      assertExchange: async (name: string) => await act(`exchange ${name}`),
      assertQueue: async (name: string) => await act(`queue ${name}`, name),
      checkQueue: async (name: string) => await act(`look at ${name}`, name),
      bindQueue: async (name: string, source: string) => await act(`bind ${name} to ${source}`, name),
      close: async () => await Promise.resolve(),
    });
  };
  return Object.assign(state, { connection: { openChannel } as unknown as Connection });
}

async function assertOn(connection: Connection, topology: Topology = TOPOLOGY): Promise<GatewayEvent[]> {
  const events: GatewayEvent[] = [];
  await assertTopology(connection, topology, { timeoutMs: 1000, scheduler: systemScheduler, observer: (event) => void events.push(event) });
  return events;
}

describe('the topology of a cluster in which a node is away', () => {
  it('is declared but for the classic queue that lives there, so that the gateway goes on', async () => {
    const { connection, done } = broker('alarms', 404);
    expect(await assertOn(connection)).toMatchObject([{ type: 'topology-asserted', away: 'alarms' }]);
    expect(done).toEqual(
      ['exchange dead', 'exchange out', 'queue dead', 'queue in', 'queue readings'].concat([
        'bind dead to dead',
        'bind in to amq.topic',
        'bind readings to out',
      ]),
    );
  });

  it('is refused where a queue of somebody else does not exist, and where one has other properties', async () => {
    const theirs = { ...TOPOLOGY, queues: TOPOLOGY.queues.map((queue) => (queue.name === 'alarms' ? { ...queue, declare: false } : queue)) };
    await expect(assertOn(broker('alarms', 404).connection, theirs)).rejects.toThrow(/does not exist/);
    await expect(assertOn(broker('alarms', 406).connection)).rejects.toThrow(TopologyError);
  });

  it('names nothing where all is there', async () => {
    const [event] = await assertOn(broker('none', 404).connection);
    expect(event).toMatchObject({ away: undefined });
  });
});
