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

/** A turn of the gateway's watch is 5 s; a machine that is busy gives it its turn late. */
const WATCH_MS = 10_000;

export const bindingRemoved: Fault = {
  kind: 'binding-removed',
  rows: ['F14'],
  doc: 'the binding of that queue is removed while devices are silent: the gateway binds it again by itself and, with a management API, says so',
  needs: 'private',
  showsWithinMs: (field) => (field.site.settings.rabbitmq.management === undefined ? undefined : WATCH_MS + SLACK_MS),
  inject: async (field) => {
    const { site } = field;
    const { queue } = site.settings.source;
    const bindings = site.topology.bindings.filter((binding) => binding.queue === queue);
    const bound = async (): Promise<number> => {
      const lines = (await site.node.ctl(['-q', 'list_bindings', 'source_name', 'destination_name'])).split('\n').map((line) => line.split('\t'));
      return lines.filter(([source, destination]) => source !== '' && destination === queue).length;
    };
    // What is PUBACKed without the binding is owed to nobody.
    await field.quietly(async () => {
      field.strike();
      await site.unbind(bindings);
      const since = Date.now();
      try {
        await field.until('the gateway has bound its queue again', async () => (await bound()) === bindings.length, WATCH_MS + SLACK_MS);
      } catch (error) {
        await site.bind(bindings);
        throw error;
      }
      field.note(`bound again within ${Date.now() - since} ms`);
      if (site.settings.rabbitmq.management === undefined) field.note('without rabbitmq.management nobody can tell that it was gone');
    });
    return async () => {};
  },
};

export const INGEST_FAULTS = [ingestQueueDeleted, bindingRemoved];
