import type { Fault } from '../fault.ts';

const SLACK_MS = 30_000;

export const ingestQueueDeleted: Fault = {
  kind: 'ingest-queue-deleted',
  rows: ['F14'],
  doc: 'the queue that devices fill is deleted while they are silent; the gateway declares it again by itself',
  needs: 'private',
  showsWithinMs: () => SLACK_MS,
  inject: async (field) => {
    const { site } = field;
    const { queue } = site.settings.source;
    await field.quietly(async () => {
      field.strike();
      await site.admin(async (channel) => await channel.deleteQueue(queue));
      const bound = async (): Promise<boolean> => (await site.node.ctl(['list_bindings', 'source_name', 'destination_name'])).includes(queue);
      await field.until('the gateway has declared and bound its queue again', bound, 60_000);
    });
    return async () => {};
  },
};

export const bindingRemoved: Fault = {
  kind: 'binding-removed',
  rows: ['F14'],
  doc: 'the binding of that queue is removed while devices are silent, and put back: what is PUBACKed without it is owed to nobody',
  needs: 'private',
  inject: async (field) => {
    const { site } = field;
    const { queue } = site.settings.source;
    const bindings = site.topology.bindings.filter((binding) => binding.queue === queue);
    field.parts.fleet.pause();
    const heal = async (): Promise<void> => {
      await site.admin(async (channel) => {
        for (const { source, routingKey, arguments: args } of bindings) await channel.bindQueue(queue, source, routingKey, args);
      });
      field.parts.fleet.resume();
    };
    try {
      await field.drained();
      await site.admin(async (channel) => {
        for (const { source, routingKey, arguments: args } of bindings) await channel.unbindQueue(queue, source, routingKey, args);
      });
    } catch (error) {
      await heal();
      throw error;
    }
    return heal;
  },
};

export const INGEST_FAULTS = [ingestQueueDeleted, bindingRemoved];
