import { noAnomalies } from '../codec/anomalies.ts';
import type { CodecEnvironment } from '../codec/registry.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { AmqpCommands } from '../rabbit/commands.ts';
import type { Session } from '../rabbit/session.ts';
import { StateLog } from '../state/state-log.ts';

export interface CodecSurroundingsOptions {
  readonly instance: string;
  readonly session: Session;
  /** Where devices listen for commands. */
  readonly exchange: string;
  readonly stateDir: string;
  readonly channelTimeoutMs: number;
  readonly scheduler: Scheduler;
  readonly warn: (message: string) => void;
}

/** What codecs with a memory need of the gateway, and its end. */
export class CodecSurroundings {
  readonly environment: CodecEnvironment;
  private readonly options: CodecSurroundingsOptions;
  private commands: AmqpCommands | undefined;
  private state: StateLog | undefined;

  constructor(options: CodecSurroundingsOptions) {
    this.options = options;
    this.environment = {
      instance: options.instance,
      command: (topic, body) => this.commands?.send(topic, body),
      load: (name) => this.state?.load(name),
      save: (name, state) => this.state?.save(name, state),
      now: () => options.scheduler.now(),
      counts: noAnomalies(),
    };
  }

  /** Some codec remembers and commands. Before that nothing is opened and nothing written. */
  need(): void {
    if (this.state !== undefined) return;
    const { session, exchange, channelTimeoutMs, scheduler, warn, stateDir } = this.options;
    const onRefused = (reason: string): void => warn(`commands to devices are refused (exchange ${exchange}): ${reason}`);
    this.commands = new AmqpCommands({ session, exchange, channelTimeoutMs, scheduler, onRefused });
    this.state = new StateLog({ folder: stateDir, warn });
  }

  /** Before acks: what was learned from the messages is on the disk. Never throws. */
  keep(): void {
    this.state?.flush();
  }

  /** Writes what is to be kept, and closes the channel. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    this.state?.close();
    await this.commands?.close(deadlineMs);
  }
}
