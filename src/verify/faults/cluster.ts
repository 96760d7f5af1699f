import { memberName } from '../cluster.ts';
import { type Fault, type Heal, orMend } from '../fault.ts';
import type { Field } from '../field.ts';

/** A node that comes back takes part in the cluster again before it takes clients. */
const RESTART_MS = 240_000;
const SLACK_MS = 60_000;
/** Until the others have agreed on a new leader and the gateway on another node: seconds, on a machine that is idle. */
const MOVE_MS = 180_000;
/** On two nodes, before the third comes back. */
const ALONE_MS = 3000;

/** What one node knows by itself: `list_queues` asks all of them, and waits for those that are away. */
const LEADERS = `[{element(4, amqqueue:get_name(Q)), case amqqueue:get_pid(Q) of {_, N} -> N; P when is_pid(P) -> node(P); _ -> none end}
  || Q <- rabbit_amqqueue:list()].`;

/** Number of the node where each queue is led; of a classic queue, where it lives. `lost`: number of a node that cannot be asked. */
async function leaders(field: Field, lost?: number): Promise<ReadonlyMap<string, number>> {
  const { nodes } = field.site;
  const asked = nodes.find(({ running }, i) => running && i !== lost);
  if (asked === undefined) throw new Error('no node runs');
  const found = new Map<string, number>();
  for (const [, name = '', member] of (await asked.ctl(['eval', LEADERS])).matchAll(/\{<<"([^"]*)">>,\s*'?([^'{}\s]+)'?\}/g)) {
    const at = nodes.findIndex((_, i) => member === memberName(i));
    if (at !== -1) found.set(name, at);
  }
  return found;
}

/** Waits until one is known, and not the one that was lost. */
async function leaderOf(field: Field, queue: string, lost?: number): Promise<number> {
  let at: number | undefined;
  await field.until(
    `a node leads queue ${queue}`,
    async () => {
      at = (await leaders(field, lost).catch(() => undefined))?.get(queue);
      return at !== undefined && at !== lost;
    },
    MOVE_MS,
  );
  return at ?? -1;
}

/** Numbers of the nodes that the gateway's sessions are connected to; undefined while one is not, or the gateway does not say. */
async function places(field: Field): Promise<readonly number[] | undefined> {
  const { gateway, doors } = field.site;
  const { sessions = [] } = (await gateway.status().catch(() => undefined)) ?? {};
  if (sessions.length === 0) return undefined;
  const found = sessions.map(({ state, address }) => (state === 'ready' ? doors.findIndex(({ amqp }) => address === `127.0.0.1:${amqp.port}`) : -1));
  return found.includes(-1) ? undefined : found;
}

/** Both sessions of the gateway go to this node: the doors of the others are shut for a while. */
async function steer(field: Field, index: number): Promise<void> {
  if ((await places(field))?.every((at) => at === index) === true) return;
  const others = field.site.doors.filter((_, i) => i !== index);
  try {
    for (const { amqp } of others) await amqp.down();
    await field.until(`the gateway is at node ${index + 1}`, async () => (await places(field))?.every((at) => at === index) === true, MOVE_MS);
  } finally {
    for (const { amqp } of others) await amqp.up();
  }
  const since = Date.now();
  await field.until('the gateway is ready', () => field.readySince(since), MOVE_MS);
}

/** What must be seen of a node that is gone, without its coming back: the gateway is at other nodes, and readings come out. */
async function carriesOn(field: Field, index: number): Promise<void> {
  const { arrivals } = field.parts.auditor;
  const { pubacked } = field.parts.fleet.stats();
  await field.until(
    'the gateway has gone on to other nodes',
    async () => {
      const at = await places(field);
      return at !== undefined && !at.includes(index);
    },
    MOVE_MS,
  );
  const moved = Date.now();
  const { total } = arrivals;
  await field.until('devices get PUBACKs from the other nodes', () => field.parts.fleet.stats().pubacked > pubacked, MOVE_MS);
  await field.until('readings come out by the other nodes', () => arrivals.total > total, MOVE_MS);
  field.note(`from node ${index + 1} to others after ${moved - field.struckAt} ms, readings come out after ${Date.now() - field.struckAt} ms`);
}

/** Queues that were declared a moment ago are not on the disk yet, see broker.ts. */
async function writeDown(field: Field, index: number): Promise<void> {
  await field.site.nodes[index]?.ctl(['eval', 'mnesia:dump_log(), [dets:sync(Table) || Table <- dets:all()].']);
}

type Loss = (field: Field, index: number) => Promise<Heal>;

const killed: Loss = async (field, index) => {
  await field.site.nodes[index]?.kill();
  return async () => await field.site.nodes[index]?.restart(RESTART_MS);
};

const stopped: Loss = async (field, index) => {
  await field.site.nodes[index]?.stop(SLACK_MS);
  return async () => await field.site.nodes[index]?.restart(RESTART_MS);
};

const cutOff: Loss = async (field, index) => {
  const { cluster, nodes } = field.site;
  const mend = cluster?.cutOff(index);
  return async () => {
    mend?.();
    await nodes[index]?.waitReady(RESTART_MS);
  };
};

/** The node that leads the ingest queue is lost, and the gateway with it. */
function leaderLost(fault: Pick<Fault, 'kind' | 'rows' | 'doc'> & Partial<Pick<Fault, 'redelivers'>>, lose: Loss): Fault {
  return {
    ...fault,
    needs: 'cluster',
    showsWithinMs: () => SLACK_MS,
    holdMs: ALONE_MS,
    inject: async (field) => {
      const { queue } = field.site.settings.source;
      const leader = await leaderOf(field, queue);
      await steer(field, leader);
      await writeDown(field, leader);
      const strike = async (): Promise<Heal> => {
        field.strike();
        return await lose(field, leader);
      };
      const heal = fault.redelivers === true ? await field.withUnacked(strike) : await strike();
      return await orMend(heal, async () => {
        await carriesOn(field, leader);
        // Another one, or the row was not applied.
        field.note(`${queue} is led by node ${(await leaderOf(field, queue, leader)) + 1}`);
      });
    },
  };
}

export const leaderKill = leaderLost(
  {
    kind: 'leader-kill',
    rows: ['F36'],
    doc: 'kill -9 of the node that leads the ingest queue and that the gateway is connected to; it comes back later',
    redelivers: true,
  },
  killed,
);

/** In order: it may find nothing unacked. */
export const leaderStop = leaderLost({ kind: 'leader-stop', rows: ['F36'], doc: 'orderly stop of that node; it comes back later' }, stopped);

export const minorityKill: Fault = {
  kind: 'minority-kill',
  rows: ['F37'],
  doc: 'kill -9 of a node that leads no quorum queue, and that the gateway is connected to; it comes back later',
  needs: 'cluster',
  showsWithinMs: () => SLACK_MS,
  holdMs: ALONE_MS,
  redelivers: true,
  inject: async (field) => {
    const { site } = field;
    const { queue } = site.settings.source;
    const victim = await idleNode(field);
    const leader = await leaderOf(field, queue);
    await steer(field, victim);
    await writeDown(field, victim);
    const heal = await field.withUnacked(async () => {
      field.strike();
      return await killed(field, victim);
    });
    return await orMend(heal, async () => {
      await carriesOn(field, victim);
      const now = await leaderOf(field, queue, victim);
      field.require(now === leader, `void: ${queue} is led by node ${now + 1}, before by node ${leader + 1}`);
    });
  },
};

/** A node that leads no quorum queue; where each leads one, its leaderships are given to others. */
async function idleNode(field: Field): Promise<number> {
  const { site } = field;
  const quorum = new Set(site.topology.queues.filter((queue) => queue.arguments['x-queue-type'] === 'quorum').map(({ name }) => name));
  const led = [...(await leaders(field))].filter(([name]) => quorum.has(name));
  const counts = site.nodes.map((_, i) => led.filter(([, at]) => at === i).length);
  const victim = counts.indexOf(Math.min(...counts));
  const heir = memberName((victim + 1) % site.nodes.length);
  for (const [name] of led.filter(([, at]) => at === victim)) {
    const resource = `rabbit_misc:r(<<"/">>, queue, <<"${name}">>)`;
    await site.nodes[victim]?.ctl(['eval', `{ok, Q} = rabbit_amqqueue:lookup(${resource}), rabbit_quorum_queue:transfer_leadership(Q, '${heir}').`]);
  }
  await field.until(
    `node ${victim + 1} leads no quorum queue`,
    async () => [...(await leaders(field))].every(([name, at]) => at !== victim || !quorum.has(name)),
    MOVE_MS,
  );
  return victim;
}

export const partition = leaderLost(
  {
    kind: 'partition',
    rows: ['F38'],
    doc: 'nothing gets through between that node and the other two; clients still reach it until it gives up (pause_minority)',
    redelivers: true,
  },
  cutOff,
);

export const CLUSTER_FAULTS = [leaderKill, minorityKill, leaderStop, partition];
