import { routingKeyFromTopic } from '../domain/message.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import type { Session } from './session.ts';
import { Tap } from './tap.ts';

/** Commands that wait for a channel; they are for now, so more than these or older ones are of no use. */
const WAITING = 64;
const WAITING_MS = 10_000;

export interface AmqpCommandsOptions {
  /** The publishing session. */
  readonly session: Session;
  /** Where devices subscribe: the exchange of the MQTT plugin. */
  readonly exchange: string;
  readonly channelTimeoutMs: number;
  readonly scheduler: Scheduler;
  /** The broker refuses commands; told once. */
  readonly onRefused: (reason: string) => void;
}

/** Messages towards devices: transient, not confirmed, and to nobody where no device listens. */
export class AmqpCommands {
  private readonly options: AmqpCommandsOptions;
  private readonly tap: Tap;
  private waiting: { readonly key: string; readonly body: Buffer; readonly since: number }[] = [];
  private refused = false;

  constructor(options: AmqpCommandsOptions) {
    this.options = options;
    const { session, channelTimeoutMs, scheduler } = options;
    this.tap = new Tap({ session, channelTimeoutMs, scheduler, onOpen: () => this.flush(), onRefused: (reason) => this.refuse(reason) });
  }

  /** `topic` in MQTT form. Never throws, and never waits. */
  send(topic: string, body: Buffer): void {
    const now = this.options.scheduler.monotonic();
    this.waiting = this.waiting.filter(({ since }) => now - since < WAITING_MS).slice(1 - WAITING);
    this.waiting.push({ key: routingKeyFromTopic(topic), body, since: now });
    if (this.tap.ready()) this.flush();
  }

  /** Closes the channel. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    this.waiting = [];
    await this.tap.close(deadlineMs);
  }

  private flush(): void {
    const now = this.options.scheduler.monotonic();
    const commands = this.waiting.filter(({ since }) => now - since < WAITING_MS);
    this.waiting = [];
    for (const { key, body } of commands) {
      try {
        // Delivery mode 1 is QoS 0 to the subscribers: a command that is late is worse than one that is lost.
        this.tap.publish(this.options.exchange, key, body, { appId: 'sluice' });
      } catch {
        // A routing key beyond 255 bytes, or a channel that closed in this tick.
      }
    }
  }

  private refuse(reason: string): void {
    if (this.refused) return;
    this.refused = true;
    this.options.onRefused(reason);
  }
}
