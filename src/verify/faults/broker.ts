import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { probe } from '../../local/ports.ts';
import { type Fault, type Heal, orMend } from '../fault.ts';
import type { Field } from '../field.ts';

const RESTART_MS = 180_000;
/** A machine that is busy with the restart of a broker gives the gateway its turn late. */
const SLACK_MS = 30_000;

function pidOf(field: Field): number {
  const { pid } = field.site.node;
  if (pid === undefined) throw new Error('the broker does not run');
  return pid;
}

async function restart(field: Field): Promise<void> {
  await field.site.node.restart(RESTART_MS);
}

async function closeAll(field: Field): Promise<void> {
  await field.site.node.ctl(['close_all_connections', 'closed by an operator']);
}

/**
 * Queues that were declared in the last half second are not on the disk yet: RabbitMQ 3.10.8 then forgets a classic one, and
 * leaves a quorum one without a leader for good (both seen; its tables are dets files with an auto_save of 500 ms). That is the
 * broker's to keep and not what is judged here, but a row before may have declared one.
 */
async function writeDown(field: Field): Promise<void> {
  await field.site.node.ctl(['eval', 'mnesia:dump_log(), [dets:sync(Table) || Table <- dets:all()].']);
}

/** What was on its way when the broker stopped has arrived by then. */
const SETTLE_MS = 300;
const TRIES = 50;
/** For a listener on this machine to accept. */
const PROBE_MS = 1000;

/** Stops the broker in a moment in which it waits for acks, so that it must deliver again. */
async function freezeBusy(field: Field, pid: number): Promise<void> {
  for (let i = 0; i < TRIES; i += 1) {
    await field.busy();
    process.kill(pid, 'SIGSTOP');
    await field.pause(SETTLE_MS);
    if ((await field.site.gateway.status()).inFlight.messages > 0) return;
    process.kill(pid, 'SIGCONT');
  }
  throw new Error(`void: nothing was in flight in any of ${TRIES} moments`);
}

/**
 * The heartbeats of the two connections end at times of their own. While the one that consumes lives, what the other one had not got
 * confirmed is published again over the next one, and nothing needs to be delivered again.
 */
async function bothGivenUp(field: Field): Promise<void> {
  const { gateway } = field.site;
  await field.until(
    'both connections of the gateway are given up',
    async () => (await gateway.status()).sessions.every(({ state }) => state !== 'ready'),
    4 * field.heartbeatMs + SLACK_MS,
  );
}

/** When somebody listens at the broker's AMQP port, milliseconds since 1970. */
async function portOpens(field: Field): Promise<number> {
  let at = 0;
  await field.until(
    'the port of the broker opens',
    async () => {
      at = Date.now();
      return (await probe(field.site.node.ports.amqp, undefined, PROBE_MS)) !== undefined;
    },
    RESTART_MS,
  );
  return at;
}

/** When the gateway is seen to have forwarded more than `forwarded` messages. */
async function forwardsAgain(field: Field, forwarded: number): Promise<number> {
  const { gateway } = field.site;
  let at = Date.now();
  await field.until(
    'the gateway forwards again',
    async () => {
      const view = await gateway.status();
      at = Date.now();
      return view.ledger.messages.forwarded > forwarded;
    },
    RESTART_MS,
  );
  return at;
}

export const brokerKill: Fault = {
  kind: 'broker-kill',
  rows: ['F1'],
  doc: 'kill -9 of the broker under load, then a start',
  needs: 'private',
  showsWithinMs: () => SLACK_MS,
  redelivers: true,
  inject: async (field) => {
    await writeDown(field);
    await freezeBusy(field, pidOf(field));
    field.strike();
    await field.site.node.kill();
    const { forwarded } = (await field.site.gateway.status()).ledger.messages;
    return async () => {
      const [, opened, forwards] = await Promise.all([restart(field), portOpens(field), forwardsAgain(field, forwarded)]);
      field.note(`forwards ${Math.max(0, forwards - opened)} ms after the port opened`);
    };
  },
};

export const brokerStop: Fault = {
  kind: 'broker-stop',
  rows: ['F2'],
  doc: 'orderly stop of the broker under load, then a start',
  needs: 'private',
  showsWithinMs: () => SLACK_MS,
  inject: async (field) => {
    await field.site.node.stop();
    return async () => await restart(field);
  },
};

export const brokerPause: Fault = {
  kind: 'broker-pause',
  rows: ['F3'],
  doc: 'SIGSTOP of the broker until the gateway has given up both of its connections, then SIGCONT',
  needs: 'private',
  showsWithinMs: (field) => 4 * field.heartbeatMs + SLACK_MS,
  redelivers: true,
  inject: async (field) => {
    const pid = pidOf(field);
    await freezeBusy(field, pid);
    field.strike();
    const heal = async (): Promise<void> => void process.kill(pid, 'SIGCONT');
    return await orMend(heal, async () => await bothGivenUp(field));
  },
};

export const closeConnections: Fault = {
  kind: 'close-connections',
  rows: ['F4'],
  doc: 'rabbitmqctl close_all_connections: gateway, devices and auditor',
  needs: 'private',
  showsWithinMs: () => SLACK_MS,
  inject: async (field) => {
    await closeAll(field);
    return async () => {};
  },
};

/** The broker's alarms: publishers are blocked, devices included; nothing may be lost and nothing may fail. */
function alarm(kind: string, row: string, doc: string, set: readonly string[], clear: readonly string[]): Fault {
  return {
    kind,
    rows: [row],
    doc,
    needs: 'private',
    showsWithinMs: () => SLACK_MS,
    holdMs: 3000,
    inject: async (field) => {
      await field.site.node.ctl(set);
      return async () => void (await field.site.node.ctl(clear));
    },
  };
}

export const memoryAlarm = alarm(
  'memory-alarm',
  'F10',
  'the memory alarm blocks publishers for some seconds',
  ['set_vm_memory_high_watermark', '0.00001'],
  ['set_vm_memory_high_watermark', '0.4'],
);
export const diskAlarm = alarm(
  'disk-alarm',
  'F11',
  'the disk alarm blocks publishers for some seconds',
  ['set_disk_free_limit', '900GB'],
  ['set_disk_free_limit', '50MB'],
);

/** A channel reads the time-out when it opens and looks once in a tick: connections are closed for both to count. */
async function consumerTimeout(field: Field, timeoutMs: number, tickMs: number): Promise<void> {
  await field.site.node.ctl([
    'eval',
    `application:set_env(rabbit, consumer_timeout, ${timeoutMs}), application:set_env(rabbit, channel_tick_interval, ${tickMs}).`,
  ]);
  await closeAll(field);
}

export const consumerTimeoutFault: Fault = {
  kind: 'consumer-timeout',
  rows: ['F15'],
  doc: 'consumer_timeout of 2 s while a destination has no queue: the broker closes the channel with 406',
  needs: 'private',
  showsWithinMs: () => SLACK_MS,
  inject: async (field) => {
    const { site } = field;
    const [queue] = site.settings.queues;
    if (queue === undefined) throw new Error('the settings have no queue');
    const bindings = site.topology.bindings.filter((binding) => binding.queue === queue.name);
    const log = join(site.dir, 'gateway.log');
    const before = readFileSync(log, 'utf8').length;
    const heal: Heal = async () => {
      await site.bind(bindings);
      await consumerTimeout(field, 1_800_000, 60_000);
    };
    await consumerTimeout(field, 2000, 1000);
    const since = Date.now();
    await field.until('the gateway is back', () => field.readySince(since), 60_000);
    field.strike();
    await site.unbind(bindings);
    // An unbound destination is held, and with it the deliveries; the broker's patience ends after 2 s.
    return await orMend(heal, async () => {
      await field.until('the broker closes the channel (406)', () => /PRECONDITION[_-]FAILED/.test(readFileSync(log, 'utf8').slice(before)), 60_000);
    });
  },
};

export const BROKER_FAULTS = [brokerKill, brokerStop, brokerPause, closeConnections, memoryAlarm, diskAlarm, consumerTimeoutFault];
