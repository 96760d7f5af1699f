import type { Fault } from '../domain/fault.ts';
import type { KeptMessage } from '../domain/kept-message.ts';
import { Spool } from '../edge/spool/spool.ts';
import type { Scheduler } from '../pipeline/ports.ts';

/** Enough for a person to notice and look; beyond it messages stay where they are. */
const MAX_BYTES = 67_108_864;

export interface RefusedBinOptions {
  readonly folder: string;
  readonly scheduler: Scheduler;
  readonly warn: (message: string) => void;
}

/** Messages that RabbitMQ will never take, on disk: `sluice spool export --refused` shows them. The folder is made with the first. */
export class RefusedBin {
  /** Since the start. */
  count = 0;
  private readonly options: RefusedBinOptions;
  private spool: Spool | undefined;

  constructor(options: RefusedBinOptions) {
    this.options = options;
  }

  /** `done` with an error where it has no room either: the message stays where it is, and is tried again. */
  put(message: KeptMessage, fault: Fault, done: (error: Error | undefined) => void): void {
    const { warn, folder } = this.options;
    try {
      this.spool ??= Spool.open({ ...this.options, maxBytes: MAX_BYTES });
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    const answer = this.spool.append(message, (error) => {
      if (error === undefined) {
        this.count += 1;
        warn(
          `a message of ${message.payload.length} bytes to ${JSON.stringify(message.topic)} can never be forwarded (${fault.code}: ${fault.message}); it is kept in ${folder}`,
        );
      }
      done(error);
    });
    if (typeof answer === 'string') done(new Error(`${folder} is ${answer}`));
  }

  async close(): Promise<void> {
    await this.spool?.close();
  }
}
