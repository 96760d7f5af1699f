import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alive } from '../../src/local/processes.ts';
import type { Report } from '../../src/verify/report.ts';
import { PrivateSite } from '../../src/verify/site.ts';
import { CONFIG, GATEWAY, ROOT } from './runs.ts';

let dir: string;

beforeAll(() => {
  mkdirSync(join(ROOT, '.sluice'), { recursive: true, mode: 0o700 });
  dir = mkdtempSync(join(ROOT, '.sluice', `test-${process.pid}-cli-`));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** `sluice verify` as somebody types it. */
class Cli {
  output = '';
  readonly ended: Promise<number | null>;
  private readonly child;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(process.execPath, [GATEWAY, 'verify', ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async sees(what: RegExp, deadlineMs = 180_000): Promise<void> {
    const end = performance.now() + deadlineMs;
    while (!what.test(this.output)) {
      if (performance.now() > end) throw new Error(`not seen: ${String(what)} in\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Every process below this one. */
function below(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        // proc(5): behind the command name in parentheses come the state and the parent.
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid;
      } catch {
        return false;
      }
    })
    .map(Number);
  return [...children, ...children.flatMap(below)];
}

describe("against the user's own broker and gateway", () => {
  it('takes nothing from the queues that are there, finds everything beside them, and leaves nothing behind', async () => {
    const site = await PrivateSite.start({ settings: CONFIG, root: join(ROOT, '.sluice'), prefix: 'test-', gateway: GATEWAY });
    try {
      await site.gateway.start();
      const json = join(dir, 'user.json');
      const { device } = site.users;
      const cli = new Cli(
        [
          '-c',
          CONFIG,
          '--http',
          site.gateway.url,
          '--mqtt',
          site.mqttUrl,
          '--ws',
          site.wsUrl,
          '--username',
          device.name,
          '--rate',
          '100',
          '--seconds',
          '5',
        ].concat(['--faults', 'calm,device-reset,bad-payloads,duplicate-publish,retained-flood', '--json', json, '--dir', dir]),
        { SLUICE_AMQP_URL: site.node.amqpUrl(site.users.gateway), SLUICE_DEVICE_PASSWORD: device.password },
      );
      expect({ code: await cli.ended, output: cli.output }).toMatchObject({ code: 0 });
      const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
      expect(report).toMatchObject({ ok: true, mode: 'user', lost: 0, unexpected: 0, outOfOrder: 0 });
      expect(report.forwarded).toBeGreaterThan(500);
      // The bad payloads; 300 cleared topics were left out.
      expect(report.deadLettered).toBe(200);
      expect(report.dropped).toBe(300);
      // All of it is still where the user's consumers will look for it.
      const queues = (await site.node.ctl(['-q', 'list_queues', 'name', 'messages'])).split('\n').map((line) => line.split('\t'));
      expect(Number(queues.find(([name]) => name === 'sluice.out.readings')?.[1])).toBeGreaterThan(0);
      expect(Number(queues.find(([name]) => name === 'sluice.dead')?.[1])).toBe(200);
      expect(queues.map(([name = '']) => name).filter((name) => name.startsWith('sluice.verify'))).toEqual([]);
    } finally {
      await site.stop();
    }
  });

  it('says what is not there', async () => {
    const cli = new Cli(['-c', CONFIG, '--http', 'http://127.0.0.1:9', '--dir', dir], { SLUICE_AMQP_URL: 'amqp://guest:guest@127.0.0.1:9' });
    expect(await cli.ended).toBe(4);
    expect(cli.output).toMatch(/the gateway does not answer at http:\/\/127\.0\.0\.1:9/);
  });
});

describe('with a private broker', () => {
  it.each([
    // Broker, its port mapper, gateway.
    ['random', 3],
    // Three nodes, gateway.
    ['leader-kill*100', 4],
  ])('cleans up everything on Ctrl-C (%s)', async (faults, processes) => {
    const own = join(dir, `interrupted-${processes}`);
    const cli = new Cli(['--faults', faults, '--seconds', '600', '--rate', '100', '--dir', own]);
    await cli.sees(/gateway ready/, 600_000);
    const started = below(cli.pid);
    expect(started.length).toBeGreaterThanOrEqual(processes);
    cli.signal('SIGINT');
    expect({ code: await cli.ended, output: cli.output }).toMatchObject({ code: 5 });
    expect(cli.output).toContain('stopped before the verdict');
    expect(started.filter(alive)).toEqual([]);
    expect(readdirSync(own)).toEqual([]);
  });
});
