import type { Channel } from 'amqplib';
import { buildTopology, type Topology, type TopologyOptions } from '../../src/rabbit/topology.ts';
import { outputTypeOf, type Scenario } from './scenario.ts';
import type { BenchBroker } from './support/broker.ts';

// The objects on the broker that all contenders share, with the arguments that Sluice asks for: none has an easier queue.

export const INGEST = 'bench.in';
export const EXCHANGE = 'bench.readings';
export const OUTPUT = 'bench.out';
export const DEAD = 'bench.dead';

export function topologyOptions(scenario: Scenario): TopologyOptions {
  return {
    ingest: { queue: INGEST, topics: ['#'], type: scenario.queueType, deliveryLimit: 120 },
    deadLetters: { exchange: DEAD, queue: DEAD },
    exchanges: [{ name: EXCHANGE, type: 'topic' }],
    queues: [{ name: OUTPUT, type: outputTypeOf(scenario), bindings: [{ exchange: EXCHANGE, routingKey: '#' }] }],
  };
}

/** Declares everything anew, and empty. */
export async function declare(broker: BenchBroker, scenario: Scenario): Promise<Topology> {
  const topology = buildTopology(topologyOptions(scenario));
  await withChannel(broker, async (channel) => {
    await remove(channel, topology);
    for (const { name, type, durable, arguments: args } of topology.exchanges) await channel.assertExchange(name, type, { durable, arguments: args });
    for (const { name, durable, arguments: args } of topology.queues) await channel.assertQueue(name, { durable, arguments: args });
    for (const { queue, source, routingKey, arguments: args } of topology.bindings) await channel.bindQueue(queue, source, routingKey, args);
  });
  return topology;
}

/** Messages that are ready in a queue. With nobody attached any more that is all of them. */
export async function depth(broker: BenchBroker, queue: string): Promise<number> {
  return await withChannel(broker, async (channel) => (await channel.checkQueue(queue)).messageCount);
}

async function remove(channel: Channel, topology: Topology): Promise<void> {
  for (const { name } of topology.queues) await channel.deleteQueue(name);
  for (const { name } of topology.exchanges) await channel.deleteExchange(name);
}

async function withChannel<T>(broker: BenchBroker, use: (channel: Channel) => Promise<T>): Promise<T> {
  const model = await broker.connect();
  try {
    return await use(await model.createChannel());
  } finally {
    await model.close();
  }
}
