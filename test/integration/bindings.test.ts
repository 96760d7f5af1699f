import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { App } from '../../src/app.ts';
import { freePorts } from '../../src/local/ports.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { Hand, Management, unique, until } from '../support/rabbit.ts';

const broker = inject('broker');
const dir = mkdtempSync(join(tmpdir(), 'sluice-bindings-'));
let hand: Hand;
let management: Management;

beforeAll(async () => {
  hand = await Hand.open(broker.adminUrl);
  management = new Management(broker);
});

afterAll(async () => {
  await hand.close();
  rmSync(dir, { recursive: true, force: true });
});

/** A gateway of its own queues; `watched`: with the management API in its settings. */
class Gateway {
  readonly name = `sluice.test.${unique()}`;
  readonly bugs: unknown[] = [];
  private app: App | undefined;
  private port = 0;

  async start(watched: boolean): Promise<void> {
    this.port = (await freePorts()).management;
    const file = join(dir, `${this.name}.yaml`);
    const url = new URL(broker.managementUrl);
    url.username = broker.users.admin.name;
    url.password = broker.users.admin.password;
    writeFileSync(
      file,
      `
rabbitmq: { url: '${broker.amqpUrl}', management: '${watched ? url.href : ''}' }
source: { queue: ${this.name}, topics: ['${this.name}/#'] }
deadLetters: { exchange: ${this.name}.dead, queue: ${this.name}.dead }
profiles: [{ name: any, topics: ['#'], device: 'd' }]
routes: [{ name: readings, exchange: amq.fanout, batch: { count: 1 } }]
http: { port: ${this.port} }
log: { level: silent }
`,
    );
    const loaded = await loadSettings(file, {});
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const onBug = (error: unknown): void => void this.bugs.push(error);
    this.app = new App({ start: loaded, makeEdge: undefined, version: '0', logFormat: 'json', onBug });
    await this.app.start(AbortSignal.timeout(30_000));
    await until('ready', async () => (await this.reasons()).length === 0, 20_000);
  }

  get key(): string {
    return `${this.name}.#`;
  }

  async reasons(): Promise<readonly string[]> {
    return ((await (await this.ask('/readyz')).json()) as { reasons: string[] }).reasons;
  }

  async metric(name: string): Promise<number> {
    const text = await (await this.ask('/metrics')).text();
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  }

  async unbind(): Promise<void> {
    await hand.channel.unbindQueue(this.name, 'amq.topic', this.key);
  }

  async bound(): Promise<boolean> {
    const bindings = (await management.request('GET', `queues/%2F/${this.name}/bindings`)) as { source: string; routing_key: string }[];
    return bindings.some(({ source, routing_key }) => source === 'amq.topic' && routing_key === this.key);
  }

  async stop(): Promise<void> {
    await this.app?.stop(1000);
    for (const queue of [this.name, `${this.name}.dead`]) await hand.channel.deleteQueue(queue);
    await hand.channel.deleteExchange(`${this.name}.dead`);
    if (this.bugs.length > 0) throw new Error('the gateway has a bug', { cause: this.bugs[0] });
  }

  private async ask(path: string): Promise<Response> {
    return await fetch(`http://127.0.0.1:${this.port}${path}`, { signal: AbortSignal.timeout(5000) });
  }
}

describe('a binding of the ingest queue that is removed while the gateway runs', () => {
  it('is told as not ready, with what to do, counted, and bound again', async () => {
    const gateway = new Gateway();
    try {
      await gateway.start(true);
      await until('the watch has begun', async () => (await gateway.metric('sluice_ingest_bindings_watched')) === 1, 30_000);
      await gateway.unbind();
      let reasons: readonly string[] = [];
      await until('not ready', async () => (reasons = await gateway.reasons()).length > 0, 30_000);
      expect(reasons.join()).toMatch(
        new RegExp(
          `^topology is degraded: queue '${gateway.name}' was not bound to exchange 'amq\\.topic' with key '${gateway.name}\\.#' .*tries to bind it again`,
        ),
      );
      expect(await gateway.metric('sluice_ingest_unbound')).toBe(1);
      await until('ready again', async () => (await gateway.reasons()).length === 0, 30_000);
      expect(await gateway.bound()).toBe(true);
      expect(await gateway.metric('sluice_ingest_unbound_total')).toBe(1);
      expect(await gateway.metric('sluice_ingest_unbound')).toBe(0);
      expect(await gateway.metric('sluice_ingest_unbound_seconds_total')).toBeGreaterThan(0);
    } finally {
      await gateway.stop();
    }
  });

  it('is bound again without a management API, although nobody can tell', async () => {
    const gateway = new Gateway();
    try {
      await gateway.start(false);
      await gateway.unbind();
      expect(await gateway.bound()).toBe(false);
      await until('bound again', async () => await gateway.bound(), 30_000);
      expect(await gateway.metric('sluice_ingest_bindings_watched')).toBe(0);
      expect(await gateway.metric('sluice_ingest_unbound_total')).toBe(0);
    } finally {
      await gateway.stop();
    }
  });
});
