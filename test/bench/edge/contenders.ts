import { join } from 'node:path';
import type { Credentials } from '../load/packets.ts';
import { cpuMicros } from '../support/proc.ts';
import { auditQueue, auditSpool, type Owed } from './audit.ts';
import type { BenchContext } from './bench-context.ts';
import { EdgeBed, NOWHERE } from './edge-bed.ts';

/** Where devices publish, and how what was acknowledged is found again. */
export interface Contender {
  readonly label: string;
  readonly contender: 'plugin' | 'edge';
  /** What an acknowledgement stands for. */
  readonly kept: string;
  /** Of client ids and topics. */
  readonly prefix: string;
  readonly port: number;
  readonly credentials: Credentials | undefined;
  /** CPU microseconds so far of the edge, and of the broker. */
  cpu(): { readonly edge: number; readonly broker: number };
  /** Resolves when everything acknowledged is where it stays. */
  settled(): Promise<void>;
  /** Throws LostError. Answers how many messages are there more than once. */
  audit(owed: Owed): Promise<number>;
  /** After all rounds. The same. */
  auditAll(owed: readonly Owed[]): Promise<number>;
}

const DRAIN_MS = 600_000;

async function auditQueueOf(context: BenchContext, queue: string, owed: Owed): Promise<number> {
  const model = await context.broker.connect();
  try {
    return await auditQueue(model, queue, owed);
  } finally {
    await model.close();
  }
}

/** The broker's own MQTT plugin, with a durable queue behind it. */
export async function plugin(context: BenchContext, type: 'classic' | 'quorum'): Promise<Contender> {
  const { broker } = context;
  const prefix = `plugin-${type}`;
  const queue = await context.queue(prefix, type);
  const { name: username, password } = broker.users.admin;
  return {
    label: `MQTT plugin, ${type} queue`,
    contender: 'plugin',
    kept: `durable ${type} queue`,
    prefix,
    port: broker.node.ports.mqtt,
    credentials: { username, password },
    cpu: () => ({ edge: 0, broker: cpuMicros(broker.pid) }),
    settled: async () => undefined,
    audit: async (owed) => await auditQueueOf(context, queue, owed),
    auditAll: async () => 0,
  };
}

/** The edge with its settings as they are, RabbitMQ there: what is confirmed fast goes on at once, what is not waits in the spool. */
export async function bridge(context: BenchContext, type: 'classic' | 'quorum'): Promise<Contender> {
  const { broker } = context;
  const prefix = `edge-${type}`;
  const queue = await context.queue(prefix, type);
  const bed = await EdgeBed.start({ dir: context.folder(prefix), name: prefix, url: broker.amqpUrl });
  context.finally(async () => await bed.stop());
  return {
    label: `edge, RabbitMQ there, ${type} queue`,
    contender: 'edge',
    kept: `confirmed by a durable ${type} queue, or forced to disk`,
    prefix,
    port: bed.port,
    credentials: undefined,
    cpu: () => ({ edge: cpuMicros(bed.pid), broker: cpuMicros(broker.pid) }),
    settled: async () => await bed.drained(DRAIN_MS),
    audit: async (owed) => await auditQueueOf(context, queue, owed),
    auditAll: async () => 0,
  };
}

/** The edge without RabbitMQ: every message is forced to the disk. */
export async function spooling(context: BenchContext): Promise<Contender> {
  const prefix = 'edge-spool';
  const dir = context.folder(prefix);
  const bed = await EdgeBed.start({ dir, name: prefix, url: NOWHERE, afterMs: 0 });
  context.finally(async () => await bed.stop());
  let before = 0;
  return {
    label: 'edge, RabbitMQ away',
    contender: 'edge',
    kept: 'forced to disk',
    prefix,
    port: bed.port,
    credentials: undefined,
    cpu: () => ({ edge: cpuMicros(bed.pid), broker: 0 }),
    settled: async () => undefined,
    async audit({ each }) {
      const { messages } = (await bed.view()).spool;
      const got = messages - before;
      before = messages;
      const owed = each.reduce((sum, count) => sum + count, 0);
      if (got !== owed) throw new Error(`the spool has ${got} messages more than before, and ${owed} were acknowledged`);
      return 0;
    },
    async auditAll(owed) {
      await bed.stop();
      const first = Math.min(...owed.map((part) => part.first));
      const each: number[] = [];
      for (const part of owed) for (const [i, count] of part.each.entries()) each[part.first - first + i] = count;
      return await auditSpool(join(dir, 'kept', 'spool'), { first, each });
    },
  };
}
