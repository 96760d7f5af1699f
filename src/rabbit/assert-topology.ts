import type { Channel } from 'amqplib';
import type { Observer } from '../domain/events.ts';
import { Unavailable } from '../domain/unavailable.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { closeChannel, type Connection } from './connection.ts';
import { within } from './deadline.ts';
import { messageOf, replyCodeOf } from './reasons.ts';
import { bindingText, type Topology } from './topology.ts';

/** The broker will not have the topology as the settings say: names the object and what to do. */
export class TopologyError extends Unavailable {
  /** The object: `queue 'sluice.ingest'`. */
  readonly what: string;
  /** AMQP reply code, or undefined when the broker did not answer. */
  readonly code: number | undefined;

  constructor(what: string, code: number | undefined, message: string) {
    super(`${what}: ${message}`);
    this.name = 'TopologyError';
    this.what = what;
    this.code = code;
  }
}

export interface AssertOptions {
  /** For every single answer of the broker. */
  readonly timeoutMs: number;
  readonly scheduler: Scheduler;
  readonly observer?: Observer | undefined;
}

/**
 * Declares what is missing and checks what is there. On a channel of its own, because a mismatch costs the channel.
 * Rejects with a `TopologyError`; what came before the object that failed has been declared. A queue that is there, but whose
 * node is away, is left as it is and named in the event.
 */
export async function assertTopology(connection: Connection, topology: Topology, options: AssertOptions): Promise<void> {
  const { timeoutMs, scheduler } = options;
  const open = async (): Promise<Channel> =>
    await connection.openChannel(timeoutMs).catch((error: unknown) => {
      throw new TopologyError('topology', replyCodeOf(error), messageOf(error));
    });
  let channel = await open();
  const away: string[] = [];
  const step = async (what: string, run: () => Promise<unknown>): Promise<void> => {
    try {
      await within(run(), timeoutMs, what, scheduler);
    } catch (error) {
      throw new TopologyError(what, replyCodeOf(error), advice(what, error));
    }
  };
  try {
    for (const e of topology.exchanges) {
      // Names that begin with `amq.` are the broker's own: they exist, and declaring another one is a 403.
      if (e.name.startsWith('amq.')) continue;
      await step(`exchange '${e.name}'`, () => channel.assertExchange(e.name, e.type, { durable: e.durable, arguments: e.arguments }));
    }
    for (const q of topology.queues) {
      try {
        await step(`queue '${q.name}'`, () =>
          q.declare ? channel.assertQueue(q.name, { durable: q.durable, arguments: q.arguments }) : channel.checkQueue(q.name),
        );
      } catch (error) {
        // Only where it is declared: then 404 cannot mean that there is none. A classic queue of a cluster lives on one node, and
        // this one is away. The others go on; what is published to it comes back, and is held.
        if (!q.declare || !(error instanceof TopologyError) || error.code !== 404) throw error;
        away.push(q.name);
        channel = await open();
      }
    }
    for (const b of topology.bindings) {
      if (away.includes(b.queue)) continue;
      await step(bindingText(b), () => channel.bindQueue(b.queue, b.source, b.routingKey, b.arguments));
    }
  } finally {
    await closeChannel(channel, timeoutMs, scheduler);
  }
  options.observer?.({
    type: 'topology-asserted',
    exchanges: topology.exchanges.length,
    queues: topology.queues.length,
    bindings: topology.bindings.length,
    away: away.length === 0 ? undefined : away.join(', '),
  });
}

function advice(what: string, error: unknown): string {
  const text = messageOf(error);
  switch (replyCodeOf(error) ?? 0) {
    case 406:
      return `exists with other properties than the settings say (${text}). Change the settings, or delete it on the broker when it is empty; it is declared anew then`;
    case 404:
      return what.startsWith('binding')
        ? `queue or exchange does not exist (${text}). Add it to the settings`
        : `does not exist (${text}). Create it, or let the gateway declare it`;
    case 403:
      return `the user has no right to it (${text}). Grant configure, write and read on it (rabbitmqctl set_permissions)`;
    default:
      return text;
  }
}
