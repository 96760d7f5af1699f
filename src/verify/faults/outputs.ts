import type { Fault } from '../fault.ts';
import type { Field } from '../field.ts';

const SLACK_MS = 30_000;

/** The first queue of the settings, as it was declared. */
export function output(field: Field): {
  readonly name: string;
  readonly exchange: string;
  readonly declare: () => Promise<void>;
  readonly unbind: () => Promise<void>;
} {
  const { site } = field;
  const { topology, settings } = site;
  const name = settings.queues[0]?.name ?? '';
  const queue = topology.queues.find((one) => one.name === name);
  const bindings = topology.bindings.filter((binding) => binding.queue === name);
  const exchange = topology.exchanges.find((one) => one.name === bindings[0]?.source);
  if (queue === undefined || exchange === undefined) throw new Error('the settings have no queue that is bound to one of their exchanges');
  return {
    name,
    exchange: exchange.name,
    declare: async () =>
      await site.admin(async (channel) => {
        await channel.assertExchange(exchange.name, exchange.type, { durable: exchange.durable, arguments: exchange.arguments });
        await channel.assertQueue(queue.name, { durable: queue.durable, arguments: queue.arguments });
        for (const each of topology.bindings.filter(({ source, queue: to }) => source === exchange.name || to === name))
          await channel.bindQueue(each.queue, each.source, each.routingKey, each.arguments);
      }),
    unbind: async () => await site.unbind(bindings),
  };
}

export const outputFull: Fault = {
  kind: 'output-full',
  rows: ['F12'],
  doc: 'a destination queue takes 10 messages and refuses more (reject-publish) while nobody reads it',
  needs: 'private',
  showsWithinMs: () => 120_000,
  holdMs: 3000,
  inject: async (field) => {
    const { node } = field.site;
    const { name } = output(field);
    await field.parts.auditor.pause();
    field.strike();
    const pattern = `^${name.replaceAll('.', '\\.')}$`;
    await node.ctl(['set_policy', 'verify-full', pattern, '{"max-length":10,"overflow":"reject-publish"}', '--apply-to', 'queues']);
    return async () => {
      field.parts.auditor.resume();
      await node.ctl(['clear_policy', 'verify-full']);
    };
  },
};

export const outputExchangeDeleted: Fault = {
  kind: 'output-exchange-deleted',
  rows: ['F13'],
  doc: 'the exchange of a destination is deleted under load, and declared again',
  needs: 'private',
  showsWithinMs: () => SLACK_MS,
  holdMs: 1000,
  inject: async (field) => {
    const { exchange, declare } = output(field);
    field.strike();
    await field.site.admin(async (channel) => await channel.deleteExchange(exchange));
    return declare;
  },
};

export const outputQueueDeleted: Fault = {
  kind: 'output-queue-deleted',
  rows: ['F13'],
  doc: 'a destination queue is deleted under load, and declared again: what is published meanwhile is returned',
  needs: 'private',
  showsWithinMs: () => SLACK_MS,
  holdMs: 1000,
  inject: async (field) => {
    const { auditor } = field.parts;
    const { name, declare, unbind } = output(field);
    // Unbound first: what lies in a queue when it is deleted is gone with it, and that is not the gateway's loss.
    field.strike();
    await unbind();
    try {
      await field.until(
        `queue ${name} is empty`,
        async () => {
          await field.pause(300);
          await auditor.pause();
          // Read and acked: the auditor's channel is closed, so what it had not acked would be here again.
          const left = await field.site.admin(async (channel) => (await channel.checkQueue(name)).messageCount);
          if (left > 0) auditor.resume();
          return left === 0;
        },
        60_000,
      );
      await field.site.admin(async (channel) => await channel.deleteQueue(name));
    } catch (error) {
      auditor.resume();
      await declare();
      throw error;
    }
    return async () => {
      await declare();
      auditor.resume();
    };
  },
};

export const slowConsumer: Fault = {
  kind: 'slow-consumer',
  rows: ['F33'],
  doc: 'nobody reads the destinations for 10 s: the backlog stays in the broker',
  needs: 'private',
  holdMs: 10_000,
  inject: async (field) => {
    await field.parts.auditor.pause();
    return async () => field.parts.auditor.resume();
  },
};

export const OUTPUT_FAULTS = [outputFull, outputExchangeDeleted, outputQueueDeleted, slowConsumer];
