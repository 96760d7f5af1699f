import type { Channel, ConsumeMessage } from 'amqplib';
import { type InboundMessage, type Replay, RECEIVED_AT_HEADER } from '../domain/message.ts';
import { topicOfKey } from '../domain/topic-memory.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { closeChannel, type Connection } from './connection.ts';
import { within } from './deadline.ts';
import type { DeliveryWindow } from './delivery-window.ts';
import { originalIn, replayIn } from './letter-envelope.ts';
import { messageOf } from './reasons.ts';
import type { Delivered } from './wire/delivery-reader.ts';

export interface IntakeOptions {
  readonly queue: string;
  readonly prefetch: number;
  readonly timeoutMs: number;
  readonly scheduler: Scheduler;
  /** Called per message, in the order of the queue; its content is the callee's. Must not throw: amqplib would close the whole connection (541). */
  readonly deliver: (intake: Intake, message: Delivered) => void;
  readonly window: (ack: (tag: number, allUpTo: boolean) => void) => DeliveryWindow;
}

export interface IntakeEnd {
  readonly reason: string;
  /** Deliveries that were unsettled then. */
  readonly unsettled: number;
  /** The broker took the consumer away while the channel lived: the queue is gone. */
  readonly cancelled: boolean;
}

/** One channel while it consumes, with the deliveries that came over it. Ends once and is never used again. */
export class Intake {
  readonly window: DeliveryWindow;
  readonly ended: Promise<IntakeEnd>;
  private readonly channel: Channel;
  private readonly options: IntakeOptions;
  private resolve: (end: IntakeEnd) => void = () => {};
  private over = false;
  private paused = false;
  private failure: string | undefined;
  private forget: () => void = () => {};

  private constructor(channel: Channel, options: IntakeOptions) {
    this.channel = channel;
    this.options = options;
    // amqplib reads nothing but the tag of what it acks.
    this.window = options.window((deliveryTag, allUpTo) => channel.ack({ fields: { deliveryTag } } as ConsumeMessage, allUpTo));
    this.ended = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  /** Opens a channel and consumes. Rejects when the broker refuses or does not answer. */
  static async open(connection: Connection, options: IntakeOptions): Promise<Intake> {
    const { timeoutMs, scheduler, queue, prefetch } = options;
    const channel = await connection.openChannel(timeoutMs);
    const intake = new Intake(channel, options);
    channel.on('error', (error: Error) => {
      intake.failure = messageOf(error);
    });
    channel.on('close', () => intake.end(connection.trouble ?? 'the channel was closed'));
    intake.forget = connection.onLost((reason) => intake.end(reason));
    try {
      await within(channel.prefetch(prefetch), timeoutMs, 'setting the prefetch', scheduler);
      const consume = connection.consume(
        channel,
        queue,
        (message) => intake.take(message),
        () => intake.cancelled(),
      );
      await within(consume, timeoutMs, `consuming queue '${queue}'`, scheduler);
    } catch (error) {
      await intake.close(timeoutMs, messageOf(error));
      throw error;
    }
    return intake;
  }

  /**
   * Nothing is handed out any more; what was can still be acked. Deliberately no basic.cancel: what a cancelled consumer
   * of a quorum queue leaves unacked comes back behind newer messages (RabbitMQ 3.10.8, 641 of 19 274 out of order over
   * three restarts, against 0 when the channel is only closed). What still arrives, at most a prefetch, goes back unread.
   */
  pause(): void {
    this.paused = true;
  }

  /** Sends the acks that are due and closes the channel: what is unsettled goes back to the broker. Never rejects. */
  async close(deadlineMs: number, reason: string): Promise<void> {
    if (this.over) return;
    this.paused = true;
    this.window.flushAll();
    // Sent behind the acks on the same channel: once the broker has answered, it has seen them.
    await closeChannel(this.channel, deadlineMs, this.options.scheduler);
    this.end(reason);
  }

  private take(message: Delivered): void {
    // Nothing of a paused intake is acked from here on but what was handed out before; all of that has lower tags.
    if (!this.over && !this.paused) this.options.deliver(this, message);
  }

  /** The queue was deleted or its node is gone. What came from it will be given out anew, so this channel ends too. */
  private cancelled(): void {
    if (this.over) return;
    this.end('the broker cancelled the consumer: the queue was deleted or its node is gone', true);
    void closeChannel(this.channel, this.options.timeoutMs, this.options.scheduler);
  }

  private end(reason: string, cancelled = false): void {
    if (this.over) return;
    this.over = true;
    this.forget();
    const { unsettled } = this.window;
    // At once and not when somebody wakes up: whoever asks `live` from here on must know.
    this.window.lose();
    this.resolve({ reason: this.failure ?? reason, unsettled, cancelled });
  }
}

/**
 * What the gateway keeps of an AMQP message, whose content is its own from then on. One that came in through the default exchange,
 * straight into the ingest queue, may be a dead letter that is replayed: then it is the message of before. Only there are those headers
 * believed: devices publish through the exchange of the MQTT plugin, and the default exchange asks for a right of its own (`amq.default`).
 */
export function inboundMessage(message: Delivered, receivedAt: number): InboundMessage {
  const { fields, properties } = message;
  const headers = properties.headers;
  const replay = fields.exchange === '' && headers !== undefined ? replayIn(headers) : undefined;
  if (replay === undefined) return arrival(message, fields.routingKey, receivedAt, undefined);
  const original = originalIn(headers as Readonly<Record<string, unknown>>);
  const arrived = arrival(message, original.routingKey ?? fields.routingKey, original.receivedAt ?? receivedAt, replay);
  return { ...arrived, messageId: undefined, qos: original.qos };
}

function arrival(message: Delivered, key: string, receivedAt: number, replay: Replay | undefined): InboundMessage {
  const { fields, properties } = message;
  const { topic, routingKey } = topicOfKey(key);
  const headers = properties.headers;
  const deliveryCount: unknown = headers?.['x-delivery-count'];
  const qos: unknown = headers?.['x-mqtt-publish-qos'];
  const kept: unknown = headers?.[RECEIVED_AT_HEADER];
  // A clock that runs ahead there must not make arrivals of the future.
  const late = typeof kept === 'number' && kept > 0 && kept < receivedAt;
  return {
    topic,
    routingKey,
    body: message.content,
    receivedAt: late ? kept : receivedAt,
    late,
    messageId: textOf(properties.messageId),
    contentType: textOf(properties.contentType),
    contentEncoding: textOf(properties.contentEncoding),
    redelivered: fields.redelivered,
    deliveryCount: typeof deliveryCount === 'number' && deliveryCount > 0 ? deliveryCount : 0,
    // RabbitMQ up to 3.12 writes the header; from 3.13 the delivery mode is all that tells.
    qos: qos === 0 || qos === 1 ? qos : qosOfDeliveryMode(properties.deliveryMode),
    replay,
  };
}

function qosOfDeliveryMode(mode: unknown): 0 | 1 | undefined {
  if (mode === 2) return 1;
  return mode === 1 ? 0 : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
