import type { AmqpArguments } from './topology.ts';

/** What is known of the ingest queue. */
export interface QueueFacts {
  readonly name: string;
  readonly arguments: AmqpArguments;
  /** undefined: not known. */
  readonly durable: boolean | undefined;
  /** Keys of the policies in effect, without `x-`; seen over the management API alone. */
  readonly policy: AmqpArguments;
}

/** Fewer deliveries than this may be used up by lost connections, before anything is wrong with the message. */
const FEW_DELIVERIES = 10;

/** What about the queue can lose data or order, each with what to do. Pure. `major`: of the broker's version. */
export function queueWarnings(queue: QueueFacts, major: number): string[] {
  const { arguments: own, policy } = queue;
  const about = `queue '${queue.name}'`;
  const warnings: string[] = [];
  const quorum = own['x-queue-type'] === 'quorum';
  const value = (key: string): string | number | boolean | undefined => own[`x-${key}`] ?? policy[key];

  if (queue.durable === false) warnings.push(`${about} is not durable: a restart of the broker loses its messages. Declare it durable`);
  if (!quorum) {
    warnings.push(
      `${about} is classic: messages with QoS 0 are lost at a restart of the broker, and one that kills the connection comes back for ever. Use a quorum queue (source.type)`,
    );
  } else {
    const limit = value('delivery-limit');
    if (limit === undefined && major >= 4) {
      warnings.push(`${about} has no x-delivery-limit: RabbitMQ ${major} gives a message up after 20 deliveries. Set one above source.maxDeliveries`);
    } else if (limit === undefined) {
      warnings.push(`${about} has no x-delivery-limit: a message that kills the connection comes back for ever. Set one above source.maxDeliveries`);
    } else if (typeof limit === 'number' && limit >= 0 && limit < FEW_DELIVERIES) {
      warnings.push(
        `${about} has an x-delivery-limit of ${limit}: that many lost connections, and good messages are given up. Set one above source.maxDeliveries`,
      );
    }
  }
  deadLetters(about, quorum, value, warnings);

  const bounded = value('max-length') ?? value('max-length-bytes');
  const overflow = value('overflow') ?? 'drop-head';
  if (bounded !== undefined && overflow !== 'reject-publish' && overflow !== 'reject-publish-dlx') {
    warnings.push(`${about} pushes out its oldest messages when it is full (x-overflow ${overflow}). Use reject-publish (source.overflow)`);
  }
  const ttl = value('message-ttl');
  if (ttl !== undefined) warnings.push(`${about} drops what waits longer than ${ttl} ms (message-ttl), for instance while the gateway is stopped. Remove it`);
  const expires = value('expires');
  if (expires !== undefined) warnings.push(`${about} deletes itself after ${expires} ms without a consumer (expires). Remove it`);
  if (own['x-single-active-consumer'] !== true) {
    warnings.push(`${about} has no single active consumer: topics lose their order when two gateways run (source.singleActiveConsumer)`);
  }
  return warnings;
}

function deadLetters(about: string, quorum: boolean, value: (key: string) => string | number | boolean | undefined, warnings: string[]): void {
  if (value('dead-letter-exchange') === undefined) {
    warnings.push(`${about} has no x-dead-letter-exchange: what reaches the delivery limit or expires is dropped. Name one (deadLetters.exchange)`);
    return;
  }
  if (value('dead-letter-routing-key') === undefined) {
    warnings.push(
      `${about} has no x-dead-letter-routing-key: a dead letter keeps its topic, and one longer than 255 bytes kills the reader of the dead letters too. Set a short one`,
    );
  }
  if (quorum && value('dead-letter-strategy') !== 'at-least-once') {
    warnings.push(
      `${about} dead-letters at most once: the broker may lose what it moves. Set x-dead-letter-strategy at-least-once, with x-overflow reject-publish`,
    );
  }
}
