import type { Scheduler } from '../pipeline/ports.ts';
import { closeChannel, type Connection } from './connection.ts';
import { within } from './deadline.ts';
import { messageOf, replyCodeOf } from './reasons.ts';
import type { AmqpArguments } from './topology.ts';

export interface LearnedQueue {
  readonly arguments: AmqpArguments;
  readonly durable: boolean;
}

/** Each round learns one property; no queue has more. */
const MOST_ROUNDS = 25;

/**
 * Properties of a queue that exists, which AMQP tells only by refusing: a declaration that differs is a 406 whose text
 * names one property and its value, and changes nothing. Asked again with that value until the broker agrees. Answers a
 * line for a person where it cannot be learned. Rejects never. For information alone: nothing but warnings hangs on texts.
 */
export async function learnQueue(
  connection: Connection,
  name: string,
  guess: AmqpArguments,
  options: { readonly timeoutMs: number; readonly scheduler: Scheduler },
): Promise<LearnedQueue | string> {
  const { timeoutMs, scheduler } = options;
  let durable = true;
  const known: Record<string, string | number | boolean> = { ...guess };
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    let refusal: unknown;
    try {
      const channel = await connection.openChannel(timeoutMs);
      try {
        // Passive first: declaring a queue that is gone would make it.
        await within(channel.checkQueue(name), timeoutMs, `queue '${name}'`, scheduler);
        await within(channel.assertQueue(name, { durable, arguments: known }), timeoutMs, `queue '${name}'`, scheduler);
        return { arguments: known, durable };
      } catch (error) {
        refusal = error;
      } finally {
        await closeChannel(channel, timeoutMs, scheduler);
      }
    } catch (error) {
      return messageOf(error);
    }
    const property = replyCodeOf(refusal) === 406 ? inequivalent(messageOf(refusal)) : undefined;
    if (property === undefined) return messageOf(refusal);
    if (property.name === 'durable') durable = property.value === true;
    else if (!property.name.startsWith('x-')) return messageOf(refusal);
    else if (property.value === undefined) delete known[property.name];
    else known[property.name] = property.value;
  }
  return 'its properties change while they are read';
}

/** `inequivalent arg 'x-overflow' for queue 'q' in vhost '/': received ... but current is the value 'reject-publish' of type 'longstr'`. */
export function inequivalent(text: string): { readonly name: string; readonly value: string | number | boolean | undefined } | undefined {
  const match = /inequivalent arg '([^']+)' for queue .*: received .* but current is (none|the value '(.*)' of type '([a-z]+)'|'([^']*)')/.exec(text);
  if (match === null) return undefined;
  const [, name = '', current, typed, type, plain] = match;
  if (current === 'none') return { name, value: undefined };
  const raw = typed ?? plain ?? '';
  if (type === 'longstr') return { name, value: raw };
  if (raw === 'true' || raw === 'false') return { name, value: raw === 'true' };
  return { name, value: /^-?\d+$/.test(raw) ? Number(raw) : raw };
}
