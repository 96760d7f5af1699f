import { type Fault, orMend } from '../fault.ts';
import type { Field } from '../field.ts';
import type { LaunchChanges } from '../gateway-process.ts';

const SLACK_MS = 30_000;
const READY_MS = 90_000;

/** Ends the gateway in order and starts it again. */
export async function restartGateway(field: Field, changes?: LaunchChanges): Promise<void> {
  const { gateway, settings } = field.site;
  await gateway.end('SIGTERM', settings.gateway.drainSeconds * 1000 + SLACK_MS);
  await gateway.start(READY_MS, changes);
}

/** Control: what this row says of a gateway holds for every other one too. */
export const calm: Fault = {
  kind: 'calm',
  rows: ['F0'],
  doc: 'nothing goes wrong for 3 s: nothing arrives twice',
  needs: 'none',
  holdMs: 3000,
  mostDuplicates: () => 0,
  inject: async () => async () => {},
};

async function killUnacked(field: Field): Promise<void> {
  field.strike();
  await field.withUnacked(async () => await field.site.gateway.end('SIGKILL'));
}

/** What was unacked when its consumer died comes again. */
function unacked(field: Field): number {
  return field.site.settings.source.prefetch;
}

export const gatewayKill: Fault = {
  kind: 'gateway-kill',
  rows: ['F16'],
  doc: 'kill -9 of the gateway at a random point, then a start',
  needs: 'private',
  showsWithinMs: () => SLACK_MS,
  redelivers: true,
  mostDuplicates: unacked,
  inject: async (field) => {
    const { gateway } = field.site;
    await field.pause(field.random() * 500);
    await field.busy();
    await killUnacked(field);
    return async () => await gateway.start(READY_MS);
  },
};

export const gatewayTerm: Fault = {
  kind: 'gateway-term',
  rows: ['F17'],
  doc: 'SIGTERM to the gateway under load, then a start: exit code 0 and no duplicates',
  needs: 'private',
  showsWithinMs: () => SLACK_MS,
  mostDuplicates: () => 0,
  inject: async (field) => {
    const { gateway, settings } = field.site;
    const since = performance.now();
    const code = await gateway.end('SIGTERM', settings.gateway.drainSeconds * 1000 + SLACK_MS);
    field.require(code === 0, `the gateway ended with ${code} on SIGTERM, not 0`);
    field.note(`drained in ${Math.round(performance.now() - since)} ms`);
    return async () => await gateway.start(READY_MS);
  },
};

export const gatewayPause: Fault = {
  kind: 'gateway-pause',
  rows: ['F18'],
  doc: 'SIGSTOP of the gateway for 3 heartbeats, then SIGCONT: the broker has given it up meanwhile',
  needs: 'private',
  showsWithinMs: () => SLACK_MS,
  inject: async (field) => {
    const { gateway } = field.site;
    gateway.signal('SIGSTOP');
    try {
      await field.pause(3 * field.heartbeatMs);
    } catch (error) {
      gateway.signal('SIGCONT');
      throw error;
    }
    return async () => gateway.signal('SIGCONT');
  },
};

export const loopBlock: Fault = {
  kind: 'loop-block',
  rows: ['F19'],
  doc: "the gateway's event loop stands still for 5 s",
  needs: 'private',
  showsWithinMs: () => SLACK_MS,
  holdMs: 5000,
  inject: async (field) => {
    field.site.gateway.signal('SIGUSR2');
    return async () => {};
  },
};

export const twoGateways: Fault = {
  kind: 'two-gateways',
  rows: ['F20'],
  doc: 'a second gateway stands by, the first is killed; then it comes back and the second ends in order',
  needs: 'private',
  showsWithinMs: () => SLACK_MS,
  redelivers: true,
  mostDuplicates: unacked,
  inject: async (field) => {
    const { gateway, second } = field.site;
    const { arrivals } = field.parts.auditor;
    await second.start(READY_MS);
    await field.busy();
    await killUnacked(field);
    const killed = performance.now();
    const { total } = arrivals;
    const heal = async (): Promise<void> => {
      await gateway.start(READY_MS);
      const code = await second.end('SIGTERM', field.site.settings.gateway.drainSeconds * 1000 + SLACK_MS);
      field.require(code === 0, `the second gateway ended with ${code} on SIGTERM, not 0`);
    };
    return await orMend(heal, async () => {
      await field.until('the second gateway forwards', async () => arrivals.total > total && (await second.status()).ledger.messages.forwarded > 0, 60_000);
      field.note(`the second took over within ${Math.round(performance.now() - killed)} ms`);
    });
  },
};

export const GATEWAY_FAULTS = [calm, gatewayKill, gatewayTerm, gatewayPause, loopBlock, twoGateways];
