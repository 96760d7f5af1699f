import type { Settings } from '../settings/load.ts';
import type { Outlet } from './outlet-reader.ts';

/** Where readings and dead letters come out by these settings. */
export function outletsOf(settings: Settings, beside: boolean): Outlet[] {
  const { queues, deadLetters } = settings;
  return [
    ...queues.map((queue): Outlet => {
      const bindings = queue.bindings.map((b) => ({ exchange: b.exchange, routingKey: b.routingKey ?? '', arguments: b.arguments ?? {} }));
      return { name: queue.name, kind: 'readings', read: beside ? { beside: bindings } : 'take' };
    }),
    {
      name: deadLetters.queue,
      kind: 'dead-letters',
      read: beside ? { beside: [{ exchange: deadLetters.exchange, routingKey: '#', arguments: {} }] } : 'take',
    },
  ];
}
