import type { Fault, Heal } from '../fault.ts';
import type { Field } from '../field.ts';
import type { Toxic } from '../proxy.ts';

const SLACK_MS = 30_000;

async function nothing(): Promise<void> {}

/** One toxic in front of AMQP for a while. */
function toxic(
  fault: Pick<Fault, 'kind' | 'rows' | 'doc'> & Partial<Pick<Fault, 'showsWithinMs' | 'holdMs' | 'redelivers'>>,
  of: (field: Field) => Toxic,
  direction: 'up' | 'down' | 'both' = 'both',
): Fault {
  return {
    ...fault,
    needs: 'private',
    inject: async (field) => {
      const strike = async (): Promise<Heal> => {
        field.strike();
        const heal = field.site.proxies.amqp.add(of(field), direction);
        return async () => heal();
      };
      return fault.redelivers === true ? await field.withUnacked(strike) : await strike();
    },
  };
}

export const reset: Fault = {
  kind: 'reset',
  rows: ['F5'],
  doc: 'both connections of the gateway are reset (RST) under load',
  needs: 'private',
  showsWithinMs: () => SLACK_MS,
  redelivers: true,
  mostDuplicates: (field) => field.site.settings.source.prefetch,
  inject: async (field) => {
    await field.withUnacked(async () => {
      field.strike();
      field.site.proxies.amqp.cut();
    });
    return nothing;
  },
};

export const resetMidFrame = toxic(
  {
    kind: 'reset-mid-frame',
    rows: ['F6'],
    doc: 'each connection of the gateway is reset after some more bytes, within a frame',
    showsWithinMs: () => SLACK_MS,
    redelivers: true,
  },
  (field) => ({ type: 'limitData', bytes: 1 + Math.floor(field.random() * 5000), reset: true }),
);

export const blackHole = toxic(
  {
    kind: 'black-hole',
    rows: ['F7'],
    doc: 'nothing gets through to the broker or back and nothing is closed',
    showsWithinMs: (field) => 3 * field.heartbeatMs + SLACK_MS,
    redelivers: true,
  },
  () => ({ type: 'timeout', afterMs: 0 }),
);

export const halfOpen = toxic(
  {
    kind: 'half-open',
    rows: ['F8'],
    doc: 'only what the gateway sends is dropped; it goes on hearing the broker',
    showsWithinMs: (field) => 3 * field.heartbeatMs + SLACK_MS,
    redelivers: true,
  },
  () => ({ type: 'timeout', afterMs: 0 }),
  'up',
);

export const slow: Fault = {
  kind: 'slow',
  rows: ['F9'],
  doc: 'latency of 200 ms give or take 100, and 100 kB/s each way, for 8 s',
  needs: 'private',
  holdMs: 8000,
  inject: async (field) => {
    const { amqp } = field.site.proxies;
    const heals = [amqp.add({ type: 'latency', latencyMs: 200, jitterMs: 100 }), amqp.add({ type: 'bandwidth', bytesPerSecond: 100_000 })];
    return async () => {
      for (const heal of heals) heal();
    };
  },
};

export const sliced = toxic({ kind: 'sliced', rows: ['F9'], doc: 'bytes come in pieces of 1 to 7, for 5 s', holdMs: 5000 }, () => ({
  type: 'slicer',
  least: 1,
  most: 7,
}));

export const refused: Fault = {
  kind: 'refused',
  rows: ['F28'],
  doc: 'nobody listens at the address of the broker for some seconds',
  needs: 'private',
  showsWithinMs: () => SLACK_MS,
  holdMs: 3000,
  redelivers: true,
  inject: async (field) => {
    await field.withUnacked(async () => {
      field.strike();
      await field.site.proxies.amqp.down();
    });
    return async () => await field.site.proxies.amqp.up();
  },
};

export const NETWORK_FAULTS = [reset, resetMidFrame, blackHole, halfOpen, slow, sliced, refused];
