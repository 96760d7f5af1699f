import { closeSync, cpSync, existsSync, openSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type Fault, type Heal, NotHere, orMend } from '../fault.ts';
import type { Field } from '../field.ts';
import { SmallDisk } from '../small-disk.ts';
import { restartGateway } from './gateway.ts';

const RESTART_MS = 180_000;
const MEGABYTE = 1_048_576;

/** Every write to it fails for want of room; without rights. */
const FULL_DEVICE = '/dev/full';

/** What `inject` has done so far, undone in the opposite order: all of it, then the first failure is thrown. */
class Undo {
  private readonly steps: (() => void | Promise<void>)[] = [];

  add(step: () => void | Promise<void>): void {
    this.steps.unshift(step);
  }

  async all(): Promise<void> {
    const failed: unknown[] = [];
    for (const step of this.steps.splice(0)) {
      try {
        await step();
      } catch (error) {
        failed.push(error);
      }
    }
    if (failed.length > 0) throw failed[0];
  }
}

async function failures(field: Field): Promise<number> {
  return (await field.site.gateway.metric('sluice_log_write_failures_total')) ?? 0;
}

/** Lines enough to fill what is left of the last page of the file: a lost connection makes some, and more when it is back. */
async function untilLogging(field: Field, what: string, seen: () => boolean | Promise<boolean>): Promise<void> {
  await field.until(
    what,
    async () => {
      if (field.parts.watch.health === 'ready') field.site.proxies.amqp.cut();
      await field.pause(500);
      return await seen();
    },
    60_000,
  );
}

export const logDiskFull: Fault = {
  kind: 'log-disk-full',
  rows: ['F21'],
  doc: "the disk of the gateway's log is full while there is much to log; then there is room again",
  needs: 'private',
  inject: async (field) => {
    const { gateway, dir } = field.site;
    const undo = new Undo();
    let disk: SmallDisk | undefined;
    try {
      disk = await SmallDisk.open({ mountPoint: join(dir, 'small-log'), bytes: MEGABYTE });
    } catch (error) {
      if (!(error instanceof NotHere) || !existsSync(FULL_DEVICE)) throw error;
      field.note(`${FULL_DEVICE} instead of a full file system, so it was not tried whether the log goes on (${error.message})`);
    }
    const small = disk;
    const log = small === undefined ? FULL_DEVICE : join(small.path, 'gateway.log');
    const heal: Heal = async () => await undo.all();
    undo.add(async () => await small?.close());
    if (small !== undefined) field.site.disks.add(small);
    return await orMend(heal, async () => {
      const fd = openSync(log, 'a', 0o600);
      undo.add(async () => await restartGateway(field));
      try {
        await restartGateway(field, { stdout: fd });
      } finally {
        closeSync(fd);
      }
      const { pid } = gateway;
      small?.fill();
      field.strike();
      await untilLogging(field, 'the gateway counts lines that could not be written', async () => (await failures(field)) > 0);
      undo.add(async () => {
        field.require(gateway.running && gateway.pid === pid, 'the gateway ended because its log was full');
        if (small === undefined) return;
        small.empty();
        const { size } = statSync(log);
        await untilLogging(field, 'the log goes on when there is room again', () => statSync(log).size > size);
        field.note(`${await failures(field)} lines could not be written`);
      });
    });
  },
};

/** What RabbitMQ wants to be free (src/local/rabbit-files.ts). */
const LIMIT = 50_000_000;
/** Enough for what it writes until it looks, and after: at the last byte 3.10.8 spoils its own files (docs/verify.md). */
const LEFT = 30 * MEGABYTE;
/** What its data may grow by until the alarm. */
const ROOM = 128 * MEGABYTE;
/** The file system is in memory. */
const LARGEST = 2048 * MEGABYTE;

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).reduce(
    (sum, entry) => sum + (entry.isFile() ? statSync(join(entry.parentPath, entry.name)).size : 0),
    0,
  );
}

/** Puts the broker's data somewhere else while it is stopped. */
async function moveData(field: Field, to: string): Promise<void> {
  const { node } = field.site;
  await node.stop();
  cpSync(join(node.dir, 'data'), to, { recursive: true, dereference: true, preserveTimestamps: true });
}

export const brokerDiskFull: Fault = {
  kind: 'broker-disk-full',
  rows: ['F22'],
  doc: "the file system of the broker's data fills up under load until its disk alarm; then there is room again",
  needs: 'private',
  showsWithinMs: () => 120_000,
  holdMs: 10_000,
  inject: async (field) => {
    const { node, dir } = field.site;
    const { watch } = field.parts;
    const data = join(node.dir, 'data');
    // It writes on until it is stopped.
    const bytes = LIMIT + ROOM + 2 * sizeOf(data);
    if (bytes > LARGEST) throw new NotHere(`the broker has ${Math.ceil(sizeOf(data) / MEGABYTE)} MB of data, too much for a file system in memory`);
    const disk = await SmallDisk.open({ mountPoint: join(dir, 'small-data'), bytes, everywhere: true });
    const undo = new Undo();
    const heal: Heal = async () => await undo.all();
    field.site.disks.add(disk);
    undo.add(async () => await disk.close());
    return await orMend(heal, async () => {
      const small = join(disk.path, 'data');
      undo.add(async () => await node.restart(RESTART_MS));
      await moveData(field, small);
      undo.add(async () => {
        await node.stop();
        const back = `${data}.back`;
        cpSync(small, back, { recursive: true, preserveTimestamps: true });
        rmSync(data, { recursive: true, force: true });
        renameSync(back, data);
      });
      rmSync(data, { recursive: true, force: true });
      symlinkSync(small, data);
      const since = Date.now();
      await node.restart(RESTART_MS);
      await field.until('the gateway is back', () => field.readySince(since), RESTART_MS);

      await field.busy();
      field.strike();
      disk.fill(LEFT);
      undo.add(() => {
        const { free } = disk;
        disk.empty();
        field.note(`${Math.floor(free / MEGABYTE)} MB were left`);
        field.require(free < LIMIT, 'void: the file system was not full');
      });
      await field.until('the disk alarm stops publishers', () => /block/.test(watch.last?.reasons.join() ?? ''), 120_000);
      field.note(`disk alarm after ${Date.now() - field.struckAt} ms`);
    });
  },
};

export const DISK_FAULTS = [logDiskFull, brokerDiskFull];
