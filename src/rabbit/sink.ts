import { encodeBatch, type EncodedBatch } from '../codec/batch.ts';
import { type Fault, failed, type Result } from '../domain/fault.ts';
import type { Batch, Scheduler, Sink } from '../pipeline/ports.ts';
import { onAvailable, unavailability } from './availability.ts';
import { ConfirmPublisher } from './publisher.ts';
import { messageOf } from './reasons.ts';
import type { Session } from './session.ts';
import { Tap } from './tap.ts';
import type { ContentProperties } from './wire/publish.ts';

export interface AmqpSinkOptions {
  /** A connection for publishing alone (dead letters may share it). Started and closed by its owner. */
  readonly session: Session;
  /** Name of the gateway, in every batch. */
  readonly gateway: string;
  /** Longest wait for a confirm, not counting the time that the broker blocks publishers. */
  readonly confirmTimeoutMs: number;
  /** Longest wait for a channel to open. */
  readonly channelTimeoutMs: number;
  /** Largest encoded batch; not above the broker's `max_message_size`. */
  readonly maxMessageBytes: number;
  readonly scheduler: Scheduler;
}

/**
 * Publishes batches. One confirm channel per exchange, because a missing exchange closes the channel. In deviation from
 * the letter of the port, a batch that is in flight when the broker blocks publishers waits for its confirm until the
 * block ends: its fate is not in doubt, and sending it again would only duplicate it.
 */
export class AmqpSink implements Sink {
  private readonly options: AmqpSinkOptions;
  // Exchanges come from the settings, not from messages: both tables are as small as those.
  private readonly publishers = new Map<string, ConfirmPublisher>();
  private readonly taps = new Map<string, Tap>();
  private closed = false;

  constructor(options: AmqpSinkOptions) {
    this.options = options;
  }

  get unavailable(): Fault | undefined {
    return unavailability(this.options.session);
  }

  onAvailable(listener: () => void): () => void {
    return onAvailable(this.options.session, listener);
  }

  publish(batch: Batch, signal: AbortSignal): Promise<Result<void>> {
    const away = this.unavailable;
    // Before the work of encoding.
    if (away !== undefined) return Promise.resolve({ ok: false, fault: away });
    let encoded: EncodedBatch;
    try {
      encoded = this.encode(batch);
    } catch (error) {
      return Promise.resolve(failed('ENCODE_FAILED', messageOf(error), error));
    }
    const { exchange, routingKey } = batch.destination;
    return this.publisher(exchange).publish(batch.id, routingKey, encoded.body, this.properties(batch, encoded), signal);
  }

  offer(batch: Batch): boolean {
    if (this.closed || this.options.session.state !== 'ready') return false;
    const { exchange, routingKey } = batch.destination;
    let tap = this.taps.get(exchange);
    if (tap === undefined) {
      tap = new Tap(this.options);
      this.taps.set(exchange, tap);
    }
    if (!tap.ready()) return false;
    try {
      const encoded = this.encode(batch);
      if (encoded.body.length > this.options.maxMessageBytes) return false;
      return tap.publish(exchange, routingKey, encoded.body, { ...this.properties(batch, encoded), messageId: batch.id });
    } catch {
      // An argument that AMQP cannot carry, or a channel that closed in this tick.
      return false;
    }
  }

  /** Closes the channels; what is unconfirmed answers NOT_CONNECTED. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    this.closed = true;
    await Promise.all([...[...this.publishers.values()].map((p) => p.close(deadlineMs)), ...[...this.taps.values()].map((t) => t.close(deadlineMs))]);
  }

  private publisher(exchange: string): ConfirmPublisher {
    let publisher = this.publishers.get(exchange);
    if (publisher === undefined) {
      const { session, confirmTimeoutMs, channelTimeoutMs, maxMessageBytes, scheduler } = this.options;
      publisher = new ConfirmPublisher({ session, exchange, confirmTimeoutMs, channelTimeoutMs, maxMessageBytes, scheduler });
      this.publishers.set(exchange, publisher);
    }
    return publisher;
  }

  private encode(batch: Batch): EncodedBatch {
    return encodeBatch({
      id: batch.id,
      gateway: this.options.gateway,
      sealedAt: batch.sealedAt,
      content: batch.content,
      encoding: batch.encoding,
      gzip: batch.destination.action.gzip,
    });
  }

  private properties(batch: Batch, encoded: EncodedBatch): ContentProperties {
    const { action, headers } = batch.destination;
    return {
      type: encoded.type,
      contentType: encoded.contentType,
      contentEncoding: encoded.contentEncoding,
      // AMQP counts seconds (0-9-1, 4.2.5.4).
      timestamp: Math.floor(batch.sealedAt / 1000),
      appId: 'sluice',
      priority: action.priority,
      expiration: action.ttlMs === undefined ? undefined : String(action.ttlMs),
      headers: { ...headers, 'sluice-count': batch.items.length, 'sluice-config': batch.config },
    };
  }
}
