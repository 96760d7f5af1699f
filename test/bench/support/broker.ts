import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { type ChannelModel, connect } from 'amqplib';
import { type Accounts, newAccounts } from '../../../src/local/credentials.ts';
import { localDefinitions, NO_TOPOLOGY } from '../../../src/local/definitions.ts';
import { PLUGINS } from '../../../src/local/rabbit-files.ts';
import { type RabbitNode, startRabbitNode } from '../../../src/local/rabbit-node.ts';
import { sweepRuns } from '../../../src/local/stale-node.ts';
import type { BrokerVersions } from './machine.ts';
import { ROOT } from './place.ts';

const PREFIX = 'sluice-bench-';
/** Seconds on a machine that is idle. */
const START_MS = 600_000;
/** Generous: a machine that others use too must not end a run. */
const ASK_MS = 60_000;

/** A file system in memory, of Linux. */
const MEMORY = '/dev/shm';
/** Several times what two rounds of a latency row had there at most, which was 66 MB. */
const MEMORY_BYTES = 512e6;

/** Why no broker can have its data in memory here; undefined where it can. */
export function memoryProblem(folder = MEMORY, bytes = MEMORY_BYTES): string | undefined {
  if (!existsSync(folder)) return `there is no ${folder}`;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize < bytes ? `${folder} has ${Math.floor((bavail * bsize) / 1e6)} MB free, and ${bytes / 1e6} are needed` : undefined;
}

/** A private RabbitMQ for one run of the bench, on free ports of the loopback, with Shovel. */
export class BenchBroker {
  readonly dir: string;
  readonly node: RabbitNode;
  readonly users: Accounts;

  private constructor(dir: string, node: RabbitNode, users: Accounts) {
    this.dir = dir;
    this.node = node;
    this.users = users;
  }

  /** `conf`: more lines for rabbitmq.conf. `memory`: its data is on no disk. Throws `BrokerNodeError`; nothing of it runs any more then. */
  static async start(conf: readonly string[] = [], memory = false): Promise<BenchBroker> {
    const disk = join(ROOT, '.sluice');
    mkdirSync(disk, { recursive: true, mode: 0o700 });
    // Both: what a run that was killed has left in memory is to be had back by any other.
    for (const place of [disk, MEMORY]) if (existsSync(place)) await sweepRuns(place, PREFIX);
    const root = memory ? MEMORY : disk;
    const dir = mkdtempSync(join(root, `${PREFIX}${process.pid}-`));
    const users = newAccounts();
    try {
      const node = await startRabbitNode({
        dir: join(dir, 'node'),
        name: 'sluice-bench',
        ports: 'free',
        definitions: localDefinitions(users, NO_TOPOLOGY),
        plugins: [...PLUGINS, 'rabbitmq_shovel'],
        conf,
        deadlineMs: START_MS,
      });
      return new BenchBroker(dir, node, users);
    } catch (error) {
      rmSync(dir, { recursive: true, force: true });
      throw error;
    }
  }

  /** As the administrator: the rights of an account must not be what is measured. */
  get amqpUrl(): string {
    return this.node.amqpUrl(this.users.admin);
  }

  get pid(): number {
    const { pid } = this.node;
    if (pid === undefined) throw new Error(`the broker of the bench has ended: ${join(this.node.dir, 'log')}`);
    return pid;
  }

  async connect(): Promise<ChannelModel> {
    const model = await connect(this.amqpUrl, { timeout: ASK_MS });
    model.on('error', () => {});
    return model;
  }

  /** The management API. `path` without `/api/`. */
  async ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const { name, password } = this.users.admin;
    const response = await fetch(`http://127.0.0.1:${this.node.ports.management}/api/${path}`, {
      method,
      headers: { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(ASK_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  async versions(): Promise<BrokerVersions> {
    const { rabbitmq_version, erlang_version } = (await this.ask('GET', 'overview')) as Record<string, string>;
    return { rabbitmq: rabbitmq_version ?? 'unknown', erlang: erlang_version ?? 'unknown' };
  }

  async stop(): Promise<void> {
    await this.node.remove();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
