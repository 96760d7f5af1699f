import { Load, type LoadOptions } from './load/load.ts';

// The load of benches, in a process of its own: what it costs is not what is measured. See load/mqtt-load-process.ts.

export type Order =
  | { readonly id: number; readonly do: 'connect'; readonly options: LoadOptions }
  | { readonly id: number; readonly do: 'saturate'; readonly warmUpSeconds: number; readonly seconds: number }
  | { readonly id: number; readonly do: 'pace'; readonly perSecond: number; readonly warmUpSeconds: number; readonly seconds: number }
  | { readonly id: number; readonly do: 'finish'; readonly deadlineMs: number }
  | { readonly id: number; readonly do: 'stop' | 'ping' };

/** `mark`: the measured time begins or has ended. */
export type Answer = { readonly id: number } & ({ readonly mark: 'began' | 'ended' } | { readonly result: unknown } | { readonly error: string });

let load: Load | undefined;
const say = (answer: Answer): void => void process.send?.(answer);

async function obey(order: Order): Promise<unknown> {
  const mark = (what: 'began' | 'ended') => () => say({ id: order.id, mark: what });
  if (order.do === 'connect') {
    load = await Load.connect(order.options);
    return undefined;
  }
  if (load === undefined) throw new Error('not connected');
  switch (order.do) {
    case 'saturate':
      return await load.saturate(order.warmUpSeconds, order.seconds, mark('began'), mark('ended'));
    case 'pace':
      return await load.pace(order.perSecond, order.warmUpSeconds, order.seconds, mark('began'), mark('ended'));
    case 'finish': {
      const missing = await load.finish(order.deadlineMs);
      return { missing, acked: load.acked, publishedEach: load.publishedEach };
    }
    case 'stop':
      load.stop();
      return undefined;
    case 'ping':
      load.ping();
      return undefined;
    default:
      return order satisfies never;
  }
}

process.on('message', (order: Order) => {
  obey(order).then(
    (result) => say({ id: order.id, result: result ?? null }),
    (error: unknown) => say({ id: order.id, error: error instanceof Error ? error.message : String(error) }),
  );
});
// Whoever started it is gone.
process.on('disconnect', () => process.exit(0));
