import type { Channel, Options } from 'amqplib';
import type { Scheduler } from '../pipeline/ports.ts';
import { closeChannel, type Connection } from './connection.ts';
import type { Session } from './session.ts';
import type { ContentProperties } from './wire/publish.ts';

/** Frames that wait for the socket on a best-effort channel before offers are dropped: 5 MB with batches of 256 kB. */
const OFFER_FRAMES = 64;
/** Between two tries to open a best-effort channel: each offer to an exchange that is missing costs one. */
const REOPEN_MS = 1000;

export interface TapOptions {
  readonly session: Session;
  /** Longest wait for a channel to open. */
  readonly channelTimeoutMs: number;
  readonly scheduler: Scheduler;
  /** The channel can be used now. */
  readonly onOpen?: () => void;
  /** The broker closed the channel, for this reason. */
  readonly onRefused?: (reason: string) => void;
}

export type TapProperties = Partial<ContentProperties> & { readonly messageId?: string };

/** A plain channel for best-effort copies to one exchange. */
export class Tap {
  private readonly options: TapOptions;
  private channel: Channel | undefined;
  private full = false;
  private opening = false;
  private triedAt = Number.NEGATIVE_INFINITY;
  private triedOn: Connection | undefined;

  constructor(options: TapOptions) {
    this.options = options;
  }

  /** Whether a message can go out now; opens the channel for the next one where it is missing. */
  ready(): boolean {
    if (this.channel !== undefined) return !this.full;
    const connection = this.options.session.current;
    const now = this.options.scheduler.monotonic();
    if (connection !== undefined && !this.opening && (connection !== this.triedOn || now - this.triedAt >= REOPEN_MS)) {
      this.triedOn = connection;
      this.triedAt = now;
      void this.open(connection);
    }
    return false;
  }

  publish(exchange: string, routingKey: string, body: Buffer, properties: TapProperties): boolean {
    if (this.channel === undefined) return false;
    // amqplib leaves out what is undefined, whatever its typings say.
    this.full = !this.channel.publish(exchange, routingKey, body, { ...properties, deliveryMode: 1 } as Options.Publish);
    return true;
  }

  async close(deadlineMs: number): Promise<void> {
    const channel = this.channel;
    this.channel = undefined;
    if (channel !== undefined) await closeChannel(channel, deadlineMs, this.options.scheduler);
  }

  private async open(connection: Connection): Promise<void> {
    this.opening = true;
    try {
      const channel = await connection.openChannel(this.options.channelTimeoutMs, { highWaterMark: OFFER_FRAMES });
      this.channel = channel;
      this.full = false;
      this.options.onOpen?.();
      channel.on('drain', () => {
        this.full = false;
      });
      const gone = (): void => {
        if (this.channel === channel) this.channel = undefined;
      };
      const forget = connection.onLost(gone);
      channel.on('error', (error: Error) => this.options.onRefused?.(error.message));
      channel.on('close', () => {
        gone();
        forget();
      });
    } catch {
      // Best effort: the next offer tries again.
    } finally {
      this.opening = false;
    }
  }
}
