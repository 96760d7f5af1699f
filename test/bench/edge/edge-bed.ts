import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../../src/local/ports.ts';
import { GatewayProcess } from '../../../src/verify/gateway-process.ts';
import { profileOf } from '../contenders/sluice-settings.ts';
import { GATEWAY } from '../support/place.ts';

/** Nobody listens there. */
export const NOWHERE = 'amqp://127.0.0.1:1';
const START_MS = 120_000;
const STOP_MS = 60_000;

export interface EdgeBedOptions {
  /** Folder for all of it; made. */
  readonly dir: string;
  readonly name: string;
  /** RabbitMQ's. */
  readonly url: string;
  /** `edge.spool.afterMs`; default as users have it. */
  readonly afterMs?: number;
  readonly spoolMaxBytes?: number;
  /** `direct`: what devices publish leaves in batches of five hundred, with the first level of its topic for its routing key. Default `bridge`. */
  readonly mode?: 'bridge' | 'direct';
}

export interface EdgeView {
  readonly connected: boolean;
  readonly connections: number;
  readonly heldMessages: number;
  readonly live: number;
  readonly spooled: number;
  readonly copied: number;
  readonly spool: { readonly messages: number; readonly bytes: number; readonly syncs: number; readonly lastSyncMs: number };
}

/** An edge as a user runs it, in a process of its own, with a folder and ports of its own. */
export class EdgeBed {
  readonly port: number;
  readonly spoolFolder: string;
  private readonly process: GatewayProcess;

  private constructor(process: GatewayProcess, port: number, spoolFolder: string) {
    this.process = process;
    this.port = port;
    this.spoolFolder = spoolFolder;
  }

  static async start(options: EdgeBedOptions): Promise<EdgeBed> {
    const { dir, name, url, afterMs = 250, spoolMaxBytes = 17_179_869_184, mode = 'bridge' } = options;
    mkdirSync(dir, { recursive: true });
    const ports = await freePorts();
    const kept = join(dir, 'kept');
    const settings = join(dir, 'edge.yaml');
    const edge = {
      gateway: { name },
      edge: {
        mode,
        tcp: { host: '127.0.0.1', port: ports.mqtt },
        anonymous: { publish: ['#'], subscribe: ['#'] },
        limits: { connectionsPerSecond: 0 },
        spool: { dir: kept, afterMs, maxBytes: spoolMaxBytes, drainPerSecond: 0 },
      },
      rabbitmq: { url: '${SLUICE_AMQP_URL}' },
      http: { port: ports.management },
    };
    // JSON is YAML.
    writeFileSync(settings, JSON.stringify(mode === 'bridge' ? edge : { ...edge, ...pipelineOf(name, join(dir, 'state')) }, undefined, 2));
    const process = new GatewayProcess({ settings, httpPort: ports.management, env: { SLUICE_AMQP_URL: url }, log: join(dir, 'edge.log'), entry: GATEWAY });
    await process.start(START_MS);
    const bed = new EdgeBed(process, ports.mqtt, join(kept, 'spool'));
    if (url !== NOWHERE) await bed.until('it is connected to RabbitMQ', ({ connected }) => connected, START_MS);
    return bed;
  }

  get pid(): number {
    const { pid } = this.process;
    if (pid === undefined || !this.process.running) throw new Error(`the edge has ended: ${this.process.log}`);
    return pid;
  }

  async view(): Promise<EdgeView> {
    return (await (await fetch(`${this.process.url}/edge`, { signal: AbortSignal.timeout(30_000) })).json()) as EdgeView;
  }

  async until(what: string, condition: (view: EdgeView) => boolean, deadlineMs: number): Promise<void> {
    await poll(what, async () => await this.view(), condition, deadlineMs);
  }

  /** Resolves when nothing waits for RabbitMQ any more. */
  async drained(deadlineMs: number): Promise<void> {
    await this.until('the spool is empty', ({ spool, heldMessages }) => spool.messages === 0 && heldMessages === 0, deadlineMs);
    const status = async (): Promise<{ readonly inFlight: { readonly messages: number } }> => await this.process.status(30_000);
    await poll('no message is under way', status, ({ inFlight }) => inFlight.messages === 0, deadlineMs);
  }

  /** Orderly, or at once. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.process.end(signal, STOP_MS);
  }
}

/** What a gateway needs beside an edge. Nobody publishes to its ingest queue. */
function pipelineOf(name: string, stateDir: string): object {
  return {
    gateway: { name, stateDir },
    source: { queue: `bench.${name}.in`, topics: ['nobody/#'], prefetch: 4000 },
    profiles: [profileOf('stamped', 'stamped')],
    routes: [{ name: 'all', exchange: 'amq.topic', routingKey: '{tags.site}', batch: { count: 500, bytes: 1_048_576, ageMs: 100 }, encoding: 'json' }],
    deadLetters: { exchange: `bench.${name}.dead`, queue: `bench.${name}.dead` },
  };
}

/** Asks the edge, which tells nobody by itself, until the answer is as it should be. */
async function poll<T>(what: string, ask: () => Promise<T>, condition: (answer: T) => boolean, deadlineMs: number): Promise<void> {
  const end = performance.now() + deadlineMs;
  for (let answer = await ask(); !condition(answer); answer = await ask()) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}; the edge says ${JSON.stringify(answer)}`);
    await sleep(20);
  }
}
