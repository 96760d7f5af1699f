import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../../src/local/ports.ts';
import { OUTPUT } from '../layout.ts';
import { GATEWAY } from '../support/place.ts';
import type { Contender } from './contender.ts';
import { startNode } from './node-process.ts';
import { settingsOf } from './sluice-settings.ts';

/** As often as Prometheus would ask. */
const SCRAPE_MS = 5000;
const ANSWER_MS = 60_000;

/** The gateway as a user starts it, with all it does; its metrics are asked for as Prometheus would. */
export const sluice: Contender = {
  name: 'sluice',
  each: () => 1,
  queue: OUTPUT,
  start: async (scenario, stand) => {
    mkdirSync(stand.dir, { recursive: true });
    const file = join(stand.dir, 'sluice.yaml');
    const { management: port } = await freePorts();
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(settingsOf(scenario, stand.broker.amqpUrl, join(stand.dir, 'state'), port)), { mode: 0o600 });
    const running = startNode(
      { name: 'sluice', args: [GATEWAY, 'run', '-c', file, '--log', 'json'], saysReady: (line) => line.includes('"event":"source-attached"') },
      stand,
    );
    const ask = async (path: string): Promise<Response> => await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(ANSWER_MS) });
    const scrape = setInterval(
      () =>
        void ask('/metrics').then(
          async (answer) => await answer.text(),
          () => undefined,
        ),
      SCRAPE_MS,
    );
    return {
      ...running,
      url: `http://127.0.0.1:${port}`,
      stop: async () => {
        clearInterval(scrape);
        try {
          balanced(await (await ask('/status')).json());
        } finally {
          await running.stop();
        }
      },
    };
  },
};

/** Throws where the gateway's own books do not balance. */
function balanced(status: unknown): void {
  const { imbalance } = status as { imbalance: { messages: number; items: number } };
  if (imbalance.messages !== 0 || imbalance.items !== 0) throw new Error(`the books of the gateway do not balance: ${JSON.stringify(imbalance)}`);
}
