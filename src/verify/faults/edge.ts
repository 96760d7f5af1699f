import { appendFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Fault, type Heal, orMend } from '../fault.ts';
import type { Field } from '../field.ts';
import type { EdgeStand } from '../edge-stand.ts';
import { SmallDisk } from '../small-disk.ts';

const READY_MS = 90_000;
const RESTART_MS = 180_000;
const WAIT_MS = 120_000;
const MEGABYTE = 1_048_576;
/** Ten minutes, scaled: so long a broker is away, at the rate of the run. */
const AWAY_SECONDS = 12;
/** What the edge may have sent without a confirm (`edge.bridge.inFlight`), and what it confirmed in the last moments before a kill. */
const EDGE_DUPLICATES = 2000;

function edgeOf(field: Field): EdgeStand {
  const { edge } = field.site;
  if (edge === undefined) throw new Error('this fault needs an edge');
  return edge;
}

/** Devices are acknowledged all the while: `more` messages of them. */
async function acknowledged(field: Field, more: number): Promise<void> {
  const { fleet } = field.parts;
  const before = fleet.stats().pubacked;
  await field.until(`${more} more messages are acknowledged by the edge alone`, () => fleet.stats().pubacked - before >= more, WAIT_MS);
}

async function spooled(field: Field, least: number): Promise<void> {
  await field.until(`${least} messages are in the spool`, async () => (await edgeOf(field).view()).spool.messages >= least, WAIT_MS);
}

function duplicates(field: Field): number {
  return EDGE_DUPLICATES + field.site.settings.source.prefetch;
}

/** Cuts the link, and mends it. */
async function cutOff(field: Field): Promise<Heal> {
  const { link } = edgeOf(field);
  field.strike();
  await link.down();
  return async () => await link.up();
}

const shared = { needs: 'edge', mostDuplicates: duplicates } as const;

export const edgeAway: Fault = {
  ...shared,
  kind: 'edge-broker-away',
  rows: ['F39'],
  doc: 'the broker is killed and stays away while devices publish to the edge, then it starts',
  inject: async (field) => {
    const { node } = field.site;
    field.strike();
    await node.kill();
    const heal = async (): Promise<void> => await node.restart(RESTART_MS);
    return await orMend(heal, async () => {
      await acknowledged(field, Math.max(2000, AWAY_SECONDS * field.parts.rate));
      field.note(`${(await edgeOf(field).view()).spool.messages} messages were kept`);
    });
  },
};

export const edgeCut: Fault = {
  ...shared,
  kind: 'edge-link-cut',
  rows: ['F40'],
  doc: 'the link of the edge is reset five times and then refused, while devices publish',
  inject: async (field) => {
    const { link } = edgeOf(field);
    for (let i = 0; i < 5; i += 1) {
      link.cut();
      await field.pause(200 + field.random() * 800);
    }
    const heal = await cutOff(field);
    return await orMend(heal, async () => await acknowledged(field, 500));
  },
};

export const edgeSilent: Fault = {
  ...shared,
  kind: 'edge-link-black-hole',
  rows: ['F40'],
  doc: 'nothing gets through between edge and broker and nothing is closed; devices are acknowledged all the same',
  inject: async (field) => {
    field.strike();
    const heal = edgeOf(field).link.add({ type: 'timeout', afterMs: 0 });
    return await orMend(
      async () => heal(),
      async () => await acknowledged(field, 1000),
    );
  },
};

export const edgeSlow: Fault = {
  ...shared,
  kind: 'edge-link-slow',
  rows: ['F40'],
  doc: 'latency of 200 ms give or take 100, and 100 kB/s each way, on the link of the edge, for 8 s',
  holdMs: 8000,
  inject: async (field) => {
    const { link } = edgeOf(field);
    field.strike();
    const heals = [link.add({ type: 'latency', latencyMs: 200, jitterMs: 100 }), link.add({ type: 'bandwidth', bytesPerSecond: 100_000 })];
    return async () => {
      for (const heal of heals) heal();
    };
  },
};

export const edgeKillSpooling: Fault = {
  ...shared,
  kind: 'edge-kill-spooling',
  rows: ['F41'],
  doc: 'kill -9 of the edge while it writes what devices publish, then a start; its link is mended afterwards',
  inject: async (field) => {
    const edge = edgeOf(field);
    const heal = await cutOff(field);
    return await orMend(heal, async () => {
      await spooled(field, 50);
      await field.pause(field.random() * 500);
      field.strike();
      await edge.process.end('SIGKILL');
      await edge.process.start(READY_MS);
      await acknowledged(field, 50);
    });
  },
};

export const edgeKillDraining: Fault = {
  ...shared,
  kind: 'edge-kill-draining',
  rows: ['F41'],
  doc: 'kill -9 of the edge while it sends what it has kept, then a start',
  inject: async (field) => {
    const edge = edgeOf(field);
    const heal = await cutOff(field);
    await orMend(heal, async () => await spooled(field, 500));
    const { frontier } = (await edge.view()).spool;
    // Slow enough for the kill to find it at work.
    const slow = edge.link.add({ type: 'bandwidth', bytesPerSecond: 200_000 });
    await heal();
    try {
      await field.until('the spool is being emptied', async () => (await edge.view()).spool.frontier > frontier, WAIT_MS);
      field.require((await edge.view()).spool.messages > 0, 'void: the spool was empty before the kill');
      await field.pause(field.random() * 200);
      field.strike();
      await edge.process.end('SIGKILL');
    } finally {
      slow();
    }
    return async () => await edge.process.start(READY_MS);
  },
};

export const edgeTerm: Fault = {
  ...shared,
  kind: 'edge-term',
  rows: ['F41'],
  doc: 'SIGTERM to the edge under load, then a start: exit code 0 and no duplicates',
  mostDuplicates: () => 0,
  inject: async (field) => {
    const edge = edgeOf(field);
    const code = await edge.process.end('SIGTERM', 40_000);
    field.require(code === 0, `the edge ended with ${code} on SIGTERM, not 0`);
    return async () => await edge.process.start(READY_MS);
  },
};

export const edgeDiskFull: Fault = {
  ...shared,
  kind: 'edge-disk-full',
  rows: ['F21'],
  doc: 'the disk under the spool is full while the broker is away: devices wait; then there is room again, and the broker is back',
  inject: async (field) => {
    const edge = edgeOf(field);
    const disk = await SmallDisk.open({ mountPoint: join(field.site.dir, 'edge-disk'), bytes: 32 * MEGABYTE });
    field.site.disks.add(disk);
    const env = { SLUICE_EDGE_DIR: join(disk.path, 'kept') };
    await move(field, env);
    const up = await cutOff(field);
    const heal = async (): Promise<void> => {
      disk.empty();
      await up();
      await move(field, {});
    };
    return await orMend(heal, async () => {
      await spooled(field, 20);
      disk.fill();
      await field.until('the edge says that its disk takes nothing', async () => (await edge.view()).spool.refusing === 'unwritable', WAIT_MS);
      const { fleet } = field.parts;
      await field.until(
        'the devices wait',
        async () => {
          const before = fleet.stats().pubacked;
          await field.pause(1500);
          return fleet.stats().pubacked === before;
        },
        WAIT_MS,
      );
    });
  },
};

export const edgeDamage: Fault = {
  ...shared,
  kind: 'edge-spool-damaged',
  rows: ['F23'],
  doc: 'after a kill there are bytes behind the last record, a mark that cannot be read and a file that is none of the spool: the edge starts, and nothing that it had acknowledged is missing',
  inject: async (field) => {
    const edge = edgeOf(field);
    const heal = await cutOff(field);
    return await orMend(heal, async () => {
      await spooled(field, 200);
      await edge.process.end('SIGKILL');
      field.strike();
      const folder = join(edge.folder, 'spool');
      const last = readdirSync(folder)
        .filter((name) => name.endsWith('.seg'))
        .sort()
        .at(-1);
      field.require(last !== undefined, 'void: there is no segment');
      appendFileSync(join(folder, last ?? 'none.seg'), Buffer.alloc(777, 0xa5));
      writeFileSync(join(folder, 'mark'), Buffer.alloc(4096, 0xff));
      writeFileSync(join(folder, '9999999999999999-00000000.seg'), 'no segment at all');
      await edge.process.start(READY_MS);
      const { tornTails, damagedRegions, quarantined } = (await edge.view()).spool;
      field.require(tornTails + damagedRegions > 0 && quarantined > 0, 'void: the edge has not noticed the damage');
    });
  },
};

/** To another folder, while nothing is under way: what an edge leaves in a folder goes out when it starts there again. */
async function move(field: Field, env: NodeJS.ProcessEnv): Promise<void> {
  const { process } = edgeOf(field);
  await field.quietly(async () => {
    await process.end('SIGTERM', 40_000);
    await process.start(READY_MS, { env });
  });
}

export const EDGE_FAULTS: readonly Fault[] = [edgeAway, edgeCut, edgeSilent, edgeSlow, edgeKillSpooling, edgeKillDraining, edgeTerm, edgeDiskFull, edgeDamage];

/** The same where devices publish to the gateway itself: it is killed, stopped and cut off as the edge is. */
export const DIRECT_FAULTS: readonly Fault[] = EDGE_FAULTS.map((fault) => ({
  ...fault,
  kind: fault.kind.replace('edge-', 'direct-'),
  needs: 'direct',
  doc: `${fault.kind}, where the edge is the gateway itself (edge.mode: direct)`,
}));
