import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { type Fault, type Heal, orMend } from '../fault.ts';
import type { Field } from '../field.ts';
import { restartGateway } from './gateway.ts';
import { output } from './outputs.ts';

const SLACK_MS = 30_000;
const READY_MS = 90_000;
/** Busy processes for each core: the gateway gets a fifth of one, with its turn now and then. */
const LOOPS_PER_CORE = 4;
const STARVE_MS = 10_000;
const HOUR_MS = 3_600_000;
const JUMPS_MS = [HOUR_MS, -HOUR_MS, 24 * HOUR_MS];
/** How far a receive time may be from what the shifted clock says: messages wait, and this is no test of speed. */
const NEAR_MS = HOUR_MS / 4;

/** The connections of the gateway to the broker, by when they came to be. */
async function connections(field: Field): Promise<string> {
  return JSON.stringify((await field.site.gateway.status(SLACK_MS)).sessions.map(({ name, state, since }) => ({ name, state, since })));
}

export const cpuStarved: Fault = {
  kind: 'cpu-starved',
  rows: ['F26'],
  doc: `${LOOPS_PER_CORE} busy processes for each core, for ${STARVE_MS / 1000} s: no connection is lost`,
  needs: 'private',
  holdMs: STARVE_MS,
  inject: async (field) => {
    await field.busy();
    const before = await connections(field);
    const count = LOOPS_PER_CORE * availableParallelism();
    // Each ends by itself, also when we are killed.
    const work = `const end = performance.now() + ${STARVE_MS + SLACK_MS}; while (performance.now() < end); `;
    field.strike();
    const loops = Array.from({ length: count }, () => spawn(process.execPath, ['-e', work], { stdio: 'ignore' }));
    return async () => {
      const early = loops.filter(({ pid, exitCode, signalCode }) => pid === undefined || exitCode !== null || signalCode !== null);
      field.require(early.length === 0, `void: ${early.length} of ${count} busy processes did not last`);
      await Promise.all(loops.map(ended));
      const after = await connections(field);
      field.require(after === before, `a connection was lost for want of CPU: ${before}, then ${after}`);
    };
  },
};

/** Kills it, by its pid. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGKILL');
  });
}

export const clockJump: Fault = {
  kind: 'clock-jump',
  rows: ['F27'],
  doc: "the gateway's wall clock jumps by +1 h, -1 h and +1 day, and back: batches leave as before, no connection is lost, receive times are what the clock says",
  needs: 'private',
  inject: async (field) => {
    const { gateway } = field.site;
    const { auditor } = field.parts;
    const heal: Heal = async () => await Promise.resolve(gateway.shiftClock(0));
    await field.busy();
    const before = await connections(field);
    field.strike();
    return await orMend(heal, async () => {
      for (const jump of JUMPS_MS) {
        gateway.shiftClock(jump);
        // A batch that waited by the wall clock would not come for an hour.
        const shifted = (): boolean => Math.abs((auditor.lastReceivedAt ?? 0) - Date.now() - jump) < NEAR_MS;
        await field.until(`readings come out with receive times of a clock that is ${jump / HOUR_MS} h off`, shifted, SLACK_MS);
        await field.busy();
      }
      const after = await connections(field);
      field.require(after === before, `a connection was lost when the clock jumped: ${before}, then ${after}`);
    });
  },
};

/** V8's old space, where all that lives longer than a moment is; a start alone takes half of it. */
const HEAP_MB = 48;

export const memoryLimit: Fault = {
  kind: 'memory-limit',
  rows: ['F25'],
  doc: `the gateway has ${HEAP_MB} MB of heap (--max-old-space-size) and a destination without a queue, until the prefetch is used up: it lives`,
  needs: 'private',
  showsWithinMs: () => SLACK_MS,
  holdMs: 3000,
  inject: async (field) => {
    const { gateway, settings } = field.site;
    const { declare, unbind } = output(field);
    const { prefetch } = settings.source;
    let pid: number | undefined;
    const heal: Heal = async () => {
      await declare();
      field.require(pid !== undefined && gateway.pid === pid && gateway.running, `the gateway ended with ${HEAP_MB} MB of heap`);
      if (!gateway.running) await gateway.start(READY_MS);
      else {
        const used = await gateway.metric('nodejs_heap_size_used_bytes');
        field.note(`${Math.round((used ?? Number.NaN) / 1_048_576)} MB of heap in use`);
        await field.until('it is empty again', async () => (await gateway.status()).ready, READY_MS);
        await restartGateway(field);
      }
    };
    return await orMend(heal, async () => {
      await restartGateway(field, { env: { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --max-old-space-size=${HEAP_MB}` } });
      ({ pid } = gateway);
      field.strike();
      await unbind();
      await field.until(
        `the gateway holds ${prefetch} messages`,
        async () => !gateway.running || (await gateway.status()).inFlight.messages >= prefetch,
        60_000,
      );
    });
  },
};

export const MACHINE_FAULTS = [memoryLimit, cpuStarved, clockJump];
