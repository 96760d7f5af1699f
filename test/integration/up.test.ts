import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectAsync } from 'mqtt';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { HOST, portState } from '../../src/local/ports.ts';
import { alive, gone } from '../../src/local/processes.ts';
import { stopStaleNode } from '../../src/local/rabbit-node.ts';
import { nodeState, ROOT, Up } from './up-process.ts';

const sh = promisify(execFile);

describe.skipIf(process.env['SLUICE_AMQP_URL'] !== undefined)('sluice up', () => {
  mkdirSync(join(ROOT, '.sluice'), { recursive: true, mode: 0o700 });
  const dir = mkdtempSync(join(ROOT, '.sluice', `test-${process.pid}-up-`));
  const started: Up[] = [];
  const up = (args: readonly string[], env?: NodeJS.ProcessEnv): Up => {
    const one = new Up(dir, args, env);
    started.push(one);
    return one;
  };

  afterEach(async () => {
    for (const one of started.splice(0)) {
      if (one.child.exitCode === null && one.child.signalCode === null) one.child.kill('SIGKILL');
      await one.ended;
    }
  });

  afterAll(async () => {
    await stopStaleNode(join(dir, 'node'));
    rmSync(dir, { recursive: true, force: true });
  });

  it('runs everything, shows a reading published by hand, and stops in order within ten seconds', async () => {
    const one = up(['--devices', '6', '--rate', '30']);
    await one.sees('Ctrl-C stops', 90_000);
    const { pid, epmdPid, ports } = nodeState(dir);
    const children = [...one.children().values()];
    expect([...one.children().keys()]).toEqual(expect.arrayContaining(['run', 'simulate', 'consume']));
    await one.sees(/consumer: \S+ plant-1\/sim-/, 15_000);

    const command = /mosquitto_pub .*/.exec(one.output)?.[0] ?? '';
    if (existsSync('/usr/bin/mosquitto_pub')) await sh('sh', ['-c', command], { timeout: 15_000 });
    else {
      const password = / -P (\S+) /.exec(command)?.[1] ?? '';
      const client = await connectAsync(`mqtt://${HOST}:${ports.mqtt}`, { username: 'plant-1', password, protocolVersion: 4, connectTimeout: 5000 });
      await client.publishAsync('devices/plant-1/bench/telemetry', '{"values":{"temperature":21.5}}', { qos: 1 });
      await client.endAsync();
    }
    await one.sees(/consumer: .* plant-1\/bench .*temperature=21\.5/, 15_000);
    await one.sees(/in \d+\.\d\/s \| forwarded/, 20_000);
    // What the device's rights let it see; without the tool its words alone are checked.
    const watch = /mosquitto_sub .*/.exec(one.output)?.[0] ?? '';
    const seen = existsSync('/usr/bin/mosquitto_sub') ? (await sh('sh', ['-c', `${watch} -C 2 -W 10`], { timeout: 15_000 })).stdout : watch;
    expect(seen).toContain('devices/plant-1/');

    one.child.kill('SIGINT');
    expect(await one.exit(20_000)).toBe(0);
    expect(one.output).toMatch(/(\d+) messages received = \1 forwarded \+ 0 dead-lettered .* 0 in flight/);
    expect(one.output).toContain('ledger: balanced');
    for (const each of [pid, epmdPid, ...children]) expect(alive(each)).toBe(false);
    for (const port of Object.values(ports)) expect(await portState(port)).toBe('free');
  });

  it('is followed by its children when it is killed, and the next start finds the broker that was left', async () => {
    const one = up(['--devices', '2']);
    await one.sees('Ctrl-C stops', 90_000);
    const children = [...one.children().values()];
    const left = nodeState(dir).pid;
    expect(children.length).toBeGreaterThanOrEqual(4);
    one.child.kill('SIGKILL');
    await one.ended;
    const nodes = [left, nodeState(dir).epmdPid];
    for (const pid of children.filter((each) => !nodes.includes(each))) expect(await gone(pid, 15_000), `pid ${pid}`).toBe(true);
    expect(alive(left)).toBe(true);

    const two = up(['--no-simulate', '--no-consume']);
    await two.sees('Ctrl-C stops', 90_000);
    expect(alive(left)).toBe(false);

    // The same run goes on to lose its gateway.
    const gateway = two.children().get('run') ?? 0;
    const { pid } = nodeState(dir);
    process.kill(gateway, 'SIGKILL');
    expect(await two.exit(20_000)).toBe(1);
    expect(two.output).toContain('the gateway ended (signal SIGKILL)');
    expect(alive(pid)).toBe(false);
  });

  it('stops at once on a second signal', async () => {
    const one = up(['--devices', '2']);
    await one.sees('Ctrl-C stops', 90_000);
    const { pid } = nodeState(dir);
    one.child.kill('SIGINT');
    await one.sees('stops: devices', 5000);
    one.child.kill('SIGINT');
    expect(await one.exit(4000)).toBe(5);
    expect(alive(pid)).toBe(false);
  });

  it('says which port is in use and starts nothing', async () => {
    const other = createServer();
    const port = await new Promise<number>((settle) => other.listen(0, HOST, () => settle((other.address() as { port: number }).port)));
    try {
      const one = up([], { SLUICE_HTTP_PORT: String(port) });
      expect(await one.exit(15_000)).toBe(4);
      expect(one.output).toContain(`port ${port} (HTTP server of the gateway) is in use by pid ${process.pid}`);
      expect(one.output).toContain('SLUICE_HTTP_PORT=');
      expect(existsSync(join(dir, 'node', 'node.json'))).toBe(false);
    } finally {
      other.close();
    }
  });

  it('gives up its start on a signal', async () => {
    const one = up([]);
    await one.sees('starts a private RabbitMQ', 15_000);
    one.child.kill('SIGTERM');
    expect(await one.exit(15_000)).toBe(0);
    expect(existsSync(join(dir, 'node', 'node.json'))).toBe(false);
  });
});
