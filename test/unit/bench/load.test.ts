import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Aedes } from 'aedes';
import { describe, expect, it } from 'vitest';
import { Load } from '../../bench/load/load.ts';

const nothing = (): void => {};

describe('the load of the benches', () => {
  it('sends nothing once its stretch is over: what is owed is counted then', async () => {
    const broker = await Aedes.createBroker();
    const server = createServer((socket) => void broker.handle(socket));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const load = await Load.connect({ host: '127.0.0.1', port, clients: 2, prefix: 'p', topicsPerClient: 1, window: 1000, payloadBytes: 100 });
    try {
      for (const stretch of [async () => await load.pace(20_000, 0, 0.05, nothing, nothing), async () => await load.saturate(0, 0.05, nothing, nothing)]) {
        await stretch();
        const { published } = load;
        expect(published).toBeGreaterThan(0);
        // Longer than the load waits between two looks at what is due.
        await sleep(20);
        expect(load.published).toBe(published);
        expect(await load.finish(10_000)).toBe(0);
      }
    } finally {
      load.close();
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    }
  });
});
