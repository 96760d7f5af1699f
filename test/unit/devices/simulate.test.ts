import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readLedger } from '../../../devices/ledger.ts';
import { CommandError } from '../../../src/commands/command.ts';
import { command } from '../../../src/commands/simulate.ts';
import { type Broker, startBroker, temporaryFolder, until } from './support.ts';
import type { FleetStats } from '../../../devices/fleet.ts';

let server: Broker;
let folder: ReturnType<typeof temporaryFolder>;
let output = '';

beforeEach(async () => {
  output = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
  folder = temporaryFolder();
  server = await startBroker({ refuse: (username, password) => (username === undefined || password === 'right' ? undefined : 4) });
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  folder.remove();
  await server.close();
});

async function failure(...argv: string[]): Promise<string> {
  return command.run(argv).then(
    (exit) => `exit ${exit}`,
    (error: unknown) => (error instanceof CommandError ? `${error.exitCode}: ${error.message}` : `not a CommandError: ${String(error)}`),
  );
}

describe('sluice simulate', () => {
  it('runs a fleet, writes a ledger and prints statistics', async () => {
    const ledger = folder.path('ledger');
    const password = folder.path('password');
    writeFileSync(password, 'right\n');
    const argv = ['--mqtt', server.mqttUrl, '--ws', server.wsUrl, '--username', 'site7', '--password-file', password, '--devices', '6', '--rate', '600'];
    const exit = await command.run([...argv, '--messages', '60', '--fault-share', '0', '--audit', '--ledger', ledger, '--json']);
    expect(exit).toBe(0);
    const stats = JSON.parse(output) as FleetStats;
    expect(stats).toMatchObject({ devices: 6, connections: 6, connected: 6, attempted: 60, pubacked: 60, inFlight: 0 });
    expect(readLedger(ledger).pubacked.size).toBe(60);
    expect(server.arrived.every(({ topic }) => topic.startsWith('devices/site7/'))).toBe(true);
    expect(server.subprotocols.length).toBe(3);
  });

  it('stops cleanly on SIGINT, with a summary and its listeners gone', async () => {
    const before = process.listenerCount('SIGINT');
    const running = command.run(['--mqtt', server.mqttUrl, '--devices', '2', '--interval', '5']);
    await until('messages arrive', () => server.arrived.length > 10);
    process.emit('SIGINT');
    expect(await running).toBe(0);
    expect(output).toMatch(/2 devices on 2 of 2 connections, 0 reconnects\nmessages: \d+ planned, \d+ attempted, \d+ acknowledged, 0 with QoS 0, 0 in flight/);
    expect(server.published.filter(({ text }) => text === '{"status":"offline"}').length).toBe(2);
    expect(process.listenerCount('SIGINT')).toBe(before);
  });

  it('speaks a dialect, under its topics', async () => {
    const exit = await command.run(['--mqtt', server.mqttUrl, '--format', 'tasmota', '--devices', '3', '--interval', '2', '--messages', '30', '--json']);
    expect(exit).toBe(0);
    expect(server.arrived.length).toBeGreaterThan(20);
    expect(server.arrived.filter(({ topic }) => !/^(?:tele|stat)\/demo-/.test(topic))).toEqual([]);
    expect(await failure('--mqtt', server.mqttUrl, '--format', 'tasmota', '--audit')).toMatch(/^2: audit marks need the native format/);
    expect(await failure('--mqtt', server.mqttUrl, '--format', 'morse')).toMatch(/^2: format must be tasmota, /);
    expect(await failure('--mqtt', server.mqttUrl, '--format', 'owntracks', '--profiles', 'thermostat')).toMatch(
      /^2: no profile "thermostat" in the format owntracks/,
    );
  });

  it('stops after --seconds', async () => {
    expect(await command.run(['--mqtt', server.mqttUrl, '--devices', '1', '--interval', '10', '--seconds', '0.2', '--json'])).toBe(0);
    const { planned } = JSON.parse(output) as FleetStats;
    expect(planned).toBeGreaterThan(15);
  });

  it('replays a file', async () => {
    const csv = folder.path('series.csv');
    writeFileSync(csv, 'when;temp\n2024-01-01 00:00;1,5\n2024-01-01 00:01;2,5\n');
    const exit = await command.run([
      '--mqtt',
      server.mqttUrl,
      '--csv',
      csv,
      '--time-column',
      'when',
      '--delimiter',
      ';',
      '--decimal',
      ',',
      '--speed',
      '6000',
      '--json',
    ]);
    expect(exit).toBe(0);
    const values = server.arrived
      .filter(({ topic }) => topic === 'devices/demo/replay-0001/telemetry')
      .map(({ text }) => (JSON.parse(text) as { values: unknown }).values);
    expect(values).toEqual([{ temp: 1.5 }, { temp: 2.5 }]);
    expect(await failure('--mqtt', server.mqttUrl, '--csv', csv, '--time-column', 'x')).toMatch(/^2: .*no column "x"/);
    expect(await failure('--mqtt', server.mqttUrl, '--csv', csv)).toMatch(/^2: --csv needs --time-column/);
    expect(await failure('--mqtt', server.mqttUrl, '--speed', '2')).toMatch(/^2: --speed goes with --csv/);
    expect(await failure('--mqtt', server.mqttUrl, '--csv', folder.path('none'), '--time-column', 'x')).toMatch(/^2: --csv: ENOENT/);
  });

  it('refuses a wrong command line with exit code 2', async () => {
    expect(await failure('--nonsense')).toMatch(/^2: .*--nonsense.*simulate --help/);
    expect(await failure('stray')).toMatch(/^2: /);
    expect(await failure('--devices', 'many')).toMatch(/^2: --devices must be a number, not "many"/);
    expect(await failure('--devices', '0')).toMatch(/^2: devices must be/);
    expect(await failure('--qos', '2')).toMatch(/^2: --qos must be 0 or 1 or mix/);
    expect(await failure('--profiles', 'kettle')).toMatch(/^2: no profile "kettle"/);
    expect(await failure('--username', 'u')).toMatch(/^2: --username needs a password/);
    expect(await failure('--start-time', 'soon')).toMatch(/^2: --start-time/);
  });

  it('a refused or missing broker is exit code 4', async () => {
    vi.stubEnv('SLUICE_DEVICE_PASSWORD', 'wrong');
    expect(await failure('--mqtt', server.mqttUrl, '--username', 'u')).toMatch(/^4: the broker at mqtt:\S+ refuses user "u": .*Bad username or password/);
    const gone = await startBroker();
    await gone.close();
    expect(await failure('--mqtt', gone.mqttUrl)).toMatch(/^4: no MQTT broker answers at mqtt:\S+ connect ECONNREFUSED/);
  });

  it('the help names every option, and no other', () => {
    const source = readFileSync(new URL('../../../src/commands/simulate-options.ts', import.meta.url), 'utf8');
    const table = /const OPTIONS = \{([\s\S]*?)\} as const/.exec(source)?.[1] ?? '';
    const known = [...table.matchAll(/^ {2}'?([a-z-]+)'?: \{ type/gm)].map((match) => match[1]);
    const named = [...command.help.matchAll(/^ {2}--([a-z-]+)/gm)].map((match) => match[1]);
    expect(known.length).toBeGreaterThan(30);
    expect(new Set(named)).toEqual(new Set(known));
    expect(named.length).toBe(known.length);
  });
});
