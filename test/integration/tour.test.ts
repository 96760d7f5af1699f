import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { afterAll, describe, expect, it } from 'vitest';
import { HOST } from '../../src/local/ports.ts';
import { stopStaleNode } from '../../src/local/rabbit-node.ts';
import { until } from '../support/rabbit.ts';
import { nodeState, ROOT, Up } from './up-process.ts';

const TOUR = readFileSync(join(ROOT, 'docs/tour.md'), 'utf8');

/** What the tour has between these, once. */
function told(pattern: RegExp): string {
  const found = [...TOUR.matchAll(new RegExp(pattern, `${pattern.flags}g`))];
  if (found.length !== 1 || found[0]?.[1] === undefined) throw new Error(`docs/tour.md has ${found.length} of ${String(pattern)}`);
  return found[0][1];
}

// Another place for what is made, and other ports; everything else is as the tour says.
describe.skipIf(process.env['SLUICE_AMQP_URL'] !== undefined)('the tour', () => {
  mkdirSync(join(ROOT, '.sluice'), { recursive: true, mode: 0o700 });
  const dir = mkdtempSync(join(ROOT, '.sluice', `test-${process.pid}-tour-`));
  let up: Up | undefined;

  afterAll(async () => {
    if (up !== undefined && up.child.exitCode === null) up.child.kill('SIGKILL');
    await up?.ended;
    await stopStaleNode(join(dir, 'node'));
    rmSync(dir, { recursive: true, force: true });
  });

  it('goes as it is told', { timeout: 300_000 }, async () => {
    const config = join(dir, 'sluice.yaml');
    const settings = readFileSync(join(ROOT, 'config/sluice.yaml'), 'utf8');
    writeFileSync(config, settings);
    up = new Up(dir, ['-c', config, '--devices', '3', '--rate', '5']);
    await up.sees('Ctrl-C stops', 120_000);
    const url = /console +(http:\S+)\/ /.exec(up.output)?.[1] ?? '';
    const password = / -P (\S+) /.exec(up.output)?.[1] ?? '';
    const token = readFileSync(join(dir, 'http-token'), 'utf8').trim();
    const ask = async <T>(path: string, body?: string): Promise<T> => {
      const headers = body === undefined ? {} : { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(15_000), headers, ...(body === undefined ? {} : { method: 'POST', body }) });
      return (await response.json()) as T;
    };
    expect(await (await fetch(`${url}/`, { signal: AbortSignal.timeout(15_000) })).text()).toContain('<title>');

    const topic = told(/-t (\S+) -m /);
    const payload = told(/ -m '(.*)'\n/);
    const publish = async (text: string): Promise<void> => {
      const account = { username: 'plant-1', password, protocolVersion: 4, connectTimeout: 10_000 } as const;
      const client = await connectAsync(`mqtt://${HOST}:${nodeState(dir).ports.mqtt}`, account);
      await client.publishAsync(topic, text, { qos: 1 });
      await client.endAsync();
    };
    await publish(payload);
    const letters = async (): Promise<{ id: string; code: string; message: string }[]> =>
      (await ask<{ letters: { id: string; code: string; message: string }[] }>('/api/dead-letters?code=NO_PROFILE')).letters;
    await until('the dead letter', async () => (await letters()).length === 1, 30_000);
    const [letter] = await letters();
    expect(letter?.message).toContain(`no profile has a topic template for "${topic}"`);
    const id = letter?.id ?? '';
    expect(Buffer.from((await ask<{ payload_b64: string }>(`/api/dead-letters/${id}`)).payload_b64, 'base64').toString()).toBe(payload);

    writeFileSync(config, settings.replace('profiles:\n', `profiles:\n${told(/```yaml\n([\s\S]*?)```/)}`));
    const lastReload = async (): Promise<string | undefined> => (await ask<{ reload: { outcome: string } | null }>('/api/config')).reload?.outcome;
    await until('the profile is taken over', async () => (await lastReload()) === 'applied', 30_000);

    const again = told(/-d '(\{"code".*?\})'/);
    expect(await ask('/api/dead-letters/replay', JSON.stringify({ ...(JSON.parse(again) as object), dryRun: true }))).toMatchObject({
      plan: { outcomes: { forwarded: 1 } },
    });
    expect(await ask('/api/dead-letters/replay', again)).toMatchObject({ done: 1 });
    await up.sees(/consumer: .* plant-1\/plug .*Power=42\.5/, 30_000);
    await publish(payload.replace('42.5', '43'));
    await until('the device', async () => 'values' in (await ask<object>('/api/devices/plant-1%2Fplug')), 30_000);
    expect(await ask('/api/devices/plant-1%2Fplug')).toMatchObject({
      profile: 'plug',
      values: { Power: 43, Voltage: 229, Today: 0.31 },
      lastFlags: ['arrival-id', 'no-device-time'],
    });
    expect(await letters()).toEqual([]);

    up.child.kill('SIGINT');
    expect(await up.exit(30_000)).toBe(0);
    expect(up.output).toContain('ledger: balanced');
  });
});
