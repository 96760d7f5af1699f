import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { BenchBroker } from '../support/broker.ts';
import type { RowResult } from '../support/result.ts';
import type { Options } from './options.ts';

/** The plugin at its best: nobody counts its connections and queues every few seconds. */
const CONF = ['management_agent.disable_metrics_collector = true'];

/** What the rows share. */
export class BenchContext {
  readonly options: Options;
  readonly broker: BenchBroker;
  private readonly endings: (() => Promise<unknown>)[] = [];

  private constructor(options: Options, broker: BenchBroker) {
    this.options = options;
    this.broker = broker;
  }

  static async start(options: Options): Promise<BenchContext> {
    return new BenchContext(options, await BenchBroker.start(CONF));
  }

  /** A folder that goes with the bench. */
  folder(name: string): string {
    return join(this.broker.dir, name);
  }

  /** Progress, on standard error: the tables stay clean. */
  say(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  /** Called at the end of the row, whatever becomes of it; the last one first. */
  finally(end: () => Promise<unknown>): void {
    this.endings.push(end);
  }

  async run(row: (context: BenchContext) => Promise<RowResult>): Promise<RowResult> {
    try {
      return await row(this);
    } finally {
      for (const end of this.endings.splice(0).toReversed()) await end().catch((error: unknown) => this.say(`while cleaning up: ${String(error)}`));
    }
  }

  /** Declares a durable queue for everything below `prefix/`. */
  async queue(prefix: string, type: 'classic' | 'quorum'): Promise<string> {
    const name = `bench.${prefix}`;
    const model = await this.broker.connect();
    const channel = await model.createChannel();
    await channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': type } });
    await channel.bindQueue(name, 'amq.topic', `${prefix}.#`);
    await model.close();
    return name;
  }

  async stop(): Promise<void> {
    const { dir } = this.broker;
    await this.broker.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
