import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseUp } from '../../../src/commands/up.ts';
import { externalEndpoints } from '../../../src/commands/up-plan.ts';
import { type Addresses, banner, publishCommand, shellWord, withoutPassword } from '../../../src/local/banner.ts';
import { ConsumerView } from '../../../src/local/consumer-view.ts';
import { loadAccounts, newPassword, ROLES } from '../../../src/local/credentials.ts';
import { createArguments } from '../../../src/local/docker-node.ts';
import { ledgerLines } from '../../../src/local/gateway-status.ts';
import { flowLine, LiveLine } from '../../../src/local/live-line.ts';
import { worryOf } from '../../../src/local/log-lines.ts';
import { listeningInodes } from '../../../src/local/port-holder.ts';
import { assertPortFree, freePorts, HOST, USUAL_PORTS } from '../../../src/local/ports.ts';
import { nodeEnv, nodeMark, tellingLines } from '../../../src/local/rabbit-files.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-local-'));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('accounts', () => {
  it('are made once, for this user alone, and with passwords that need no quoting', () => {
    const path = join(dir, 'deep', 'accounts.json');
    const accounts = loadAccounts(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, 'deep')).mode & 0o777).toBe(0o700);
    for (const role of ROLES) expect(accounts[role].password).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{31}$/);
    expect(new Set(ROLES.map((role) => accounts[role].password)).size).toBe(ROLES.length);
    chmodSync(path, 0o644);
    expect(loadAccounts(path)).toEqual(accounts);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it.each(['', '{', 'null', '{"admin":{"name":"admin","password":"short"}}'])('are made anew from a file that holds %j', (text) => {
    const path = join(dir, 'accounts.json');
    writeFileSync(path, text);
    const accounts = loadAccounts(path);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(accounts);
  });

  it('never begin a password with a dash', () => {
    const draws = [Buffer.alloc(24, 0xfb), Buffer.alloc(24, 1)];
    expect(Buffer.alloc(24, 0xfb).toString('base64url')).toMatch(/^-/);
    expect(newPassword(() => draws.shift() ?? Buffer.alloc(24))).toBe(Buffer.alloc(24, 1).toString('base64url'));
  });
});

describe('the environment of a node', () => {
  it('takes over nothing that could turn it into the node of the system', () => {
    const env = nodeEnv('/tmp/a folder', 'x', USUAL_PORTS, {
      PATH: '/usr/bin',
      RABBITMQ_NODENAME: 'rabbit',
      NOTIFY_SOCKET: '/run/x',
      HOME: '/root',
      ERL_EPMD_PORT: '1',
    });
    expect(env['RABBITMQ_NODENAME']).toBe('x@localhost');
    expect(env['NOTIFY_SOCKET']).toBeUndefined();
    expect(env['HOME']).toBe('/tmp/a folder/home');
    expect(env['ERL_EPMD_PORT']).toBe(String(USUAL_PORTS.epmd));
    expect(env['RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS']).toContain(nodeMark('/tmp/a folder'));
    // The scripts split this one at blanks.
    expect(nodeMark('/tmp/a folder')).not.toContain(' ');
  });
});

describe('a failed start', () => {
  it('is told in the lines around BOOT FAILED, without stamps and reports', () => {
    const stamp = '2026-11-23 08:38:33.523315+00:00 [error] <0.132.0> ';
    const log = [
      'Error preparing configuration',
      '  - Conf file attempted to set unknown variable: x.y',
      '',
      'BOOT FAILED',
      '===========',
      'Error during startup: {error,x}',
      '',
      '    supervisor: {local,y}',
      '    reason: z',
    ];
    expect(tellingLines(log.map((line) => stamp + line).join('\n'), 4)).toBe(
      'Error preparing configuration\n  - Conf file attempted to set unknown variable: x.y\nError during startup: {error,x}',
    );
  });

  it('is told in its last complaints where nothing was announced', () => {
    expect(tellingLines('starting\nfailed to bind: eaddrinuse\nbye', 5)).toBe('failed to bind: eaddrinuse');
    expect(tellingLines('one\ntwo', 1)).toBe('two');
  });
});

describe('ports', () => {
  it('are seven different ones below the ephemeral range', async () => {
    const ports = Object.values(await freePorts());
    expect(new Set(ports).size).toBe(7);
    for (const port of ports) expect(port >= 20000 && port < 32000).toBe(true);
  });

  it('are not given twice in a process, though nobody listens on the first yet', async () => {
    // The same dice for both.
    const dice = () => {
      let n = 0;
      return () => (((n += 1) * 7919) % 12_000) / 12_000;
    };
    const all = [await freePorts(dice()), await freePorts(dice())];
    expect(new Set(all.flatMap((ports) => Object.values(ports))).size).toBe(14);
  });

  it('are found in the table of the kernel', () => {
    const table =
      '  sl  local_address\n   0: 0100007F:1628 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n   1: 0100007F:1628 0100007F:9999 01 0:0 0:0 0 0 0 4712 1';
    expect(listeningInodes(table, 5672)).toEqual(['4711']);
    expect(listeningInodes(table, 567)).toEqual([]);
  });

  it('name who has them', async () => {
    const server = createServer();
    const port = await new Promise<number>((settle) => server.listen(0, HOST, () => settle((server.address() as { port: number }).port)));
    try {
      await expect(assertPortFree(port, 'test')).rejects.toMatchObject({
        code: 'PORT_IN_USE',
        message: expect.stringContaining(`port ${port} (test) is in use by`) as unknown,
      });
    } finally {
      server.close();
    }
  });
});

describe('the live line', () => {
  const flow = { readings: 10, forwarded: 8, deadLettered: 1, inFlight: 2, lagMs: 12.4, trouble: undefined };

  it('shows rates over the measured time', () => {
    const line = flowLine(flow, { ...flow, readings: 40, forwarded: 28 }, 2000);
    expect(line).toBe('in 15.0/s | forwarded 10.0/s, 28 in all | dead-lettered 1 | in flight 2 | lag 12 ms');
    expect(flowLine(flow, { ...flow, lagMs: undefined, trouble: 'NOT READY: x' }, 1000)).toContain('lag - | NOT READY: x');
  });

  it('is rewritten in place on a terminal, cut to its width, and stays below other lines', () => {
    let text = '';
    const live = new LiveLine({ write: (part) => (text += part), isTTY: true, columns: 24 }, () => 0);
    live.update('x'.repeat(40));
    expect(text).toBe(`\r\u001B[2K${'x'.repeat(22)}…`);
    text = '';
    live.print('hello');
    expect(text).toBe(`\r\u001B[2Khello\n${'x'.repeat(22)}…`);
    text = '';
    live.close();
    live.print('end');
    expect(text).toBe('\nend\n');
  });

  it('comes once in ten seconds elsewhere', () => {
    let text = '';
    let now = 0;
    const live = new LiveLine({ write: (part) => (text += part) }, () => now);
    for (; now <= 20_000; now += 1000) live.update(`at ${now}`);
    expect(text).toBe('at 0\nat 10000\nat 20000\n');
  });
});

describe('the lines of the consumer', () => {
  it('show one simulated reading in two seconds and all others', () => {
    const shown: string[] = [];
    let now = 0;
    const view = new ConsumerView(
      (line) => shown.push(line),
      () => now,
    );
    view.line('2026-01-01T00:00:00.000Z plant-1/sim-a sluice-json x=1');
    view.line('2026-01-01T00:00:00.000Z plant-1/sim-b sluice-json x=2');
    view.line('2026-01-01T00:00:00.000Z plant-1/bench sluice-json name="/sim-"');
    now = 2000;
    view.line('2026-01-01T00:00:00.000Z plant-1/sim-c sluice-json x=3');
    expect(shown.map((line) => line.split(' ')[2])).toEqual(['plant-1/sim-a', 'plant-1/bench', 'plant-1/sim-c']);
  });

  it('of the gateway are shown when a person should know', () => {
    expect(worryOf('{"level":"warn","time":"t","name":"s","event":"e","msg":"lane held","route":"r"}', 'warn')).toBe('lane held route=r');
    expect(worryOf('{"level":"warn","msg":"lane held"}', 'error')).toBeUndefined();
    expect(worryOf('{"level":"info","msg":"x"}', 'warn')).toBeUndefined();
    expect(worryOf('FATAL ERROR: heap', 'error')).toBe('FATAL ERROR: heap');
  });
});

describe('the banner', () => {
  const addresses: Addresses = {
    broker: 'private node',
    amqpUrl: 'amqp://gateway:very-secret@127.0.0.1:5672',
    mqttUrl: 'mqtt://127.0.0.1:1883',
    wsUrl: 'ws://127.0.0.1:15675/ws',
    managementUrl: 'http://127.0.0.1:15672',
    brokerMetricsUrl: undefined,
    gatewayUrl: 'http://127.0.0.1:9600',
    gatewayLog: 'x.log',
    tokenFile: 'the-token-file',
    accountsFile: 'accounts.json',
    adminName: 'admin',
    device: { name: 'plant-1', password: 'pw' },
    site: 'plant-1',
    fleet: undefined,
    consumerQueue: 'q',
  };

  it('has commands to paste, and no password of the gateway', () => {
    expect(publishCommand(addresses)).toBe(
      `mosquitto_pub -h 127.0.0.1 -p 1883 -u plant-1 -P pw -q 1 -t devices/plant-1/bench/telemetry -m '{"values":{"temperature":21.5}}'`,
    );
    const text = banner(addresses).join('\n');
    expect(text).not.toContain('very-secret');
    for (const words of ['15672', 'accounts.json', 'the-token-file', '/readyz', 'mosquitto_sub', 'ws://127.0.0.1:15675/ws']) expect(text).toContain(words);
    // Its client id begins with the account's name: RabbitMQ gives others no queue.
    expect(text).toMatch(/mosquitto_sub .* -u (\S+) .* -i \1\.watch /);
    expect(withoutPassword('amqp://u:p@h:1/v')).toBe('amqp://u@h:1/v');
  });

  it('quotes what a shell would take apart', () => {
    expect(shellWord(`it's $HOME`)).toBe(`'it'\\''s $HOME'`);
    expect(shellWord('-x')).toBe(`'-x'`);
    expect(shellWord('plain_1.2')).toBe('plain_1.2');
  });
});

describe('the ledger at the end', () => {
  const counts = { received: 5, forwarded: 3, deadLettered: 1, filtered: 0, deduplicated: 0, abandoned: 0 };
  const status = {
    ready: true,
    reasons: [],
    readings: 5,
    ledger: { messages: counts, items: counts },
    inFlight: { messages: 1, items: 1 },
    imbalance: { messages: 0, items: 0 },
    lagMs: null,
  };

  it('says balanced, or what is missing', () => {
    expect(ledgerLines(status)[0]).toBe('5 messages received = 3 forwarded + 1 dead-lettered + 0 filtered + 0 deduplicated + 0 given back + 1 in flight');
    expect(ledgerLines(status)[2]).toBe('ledger: balanced');
    expect(ledgerLines({ ...status, imbalance: { messages: 0, items: -2 } })[2]).toContain('NOT BALANCED: 0 messages and -2 items');
  });
});

describe('a container', () => {
  it('publishes on loopback alone, keeps its data in a volume, and takes any folder name', () => {
    const args = createArguments('sluice-x', '/home/a "b", c', USUAL_PORTS);
    const published = args.filter((_, i) => args[i - 1] === '--publish');
    expect(published).toHaveLength(5);
    for (const each of published) expect(each).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    expect(args).toContain('type=bind,"source=/home/a ""b"", c/definitions.json",target=/etc/rabbitmq/definitions.json,readonly');
    expect(args).toContain('type=volume,source=sluice-x,target=/var/lib/rabbitmq');
    expect(args.at(-1)).toBe('rabbitmq:4-management');
  });
});

describe('the command line of up', () => {
  it('has defaults and bounds', () => {
    expect(parseUp([])).toMatchObject({
      config: 'config/sluice.yaml',
      dir: '.sluice',
      freePorts: false,
      simulate: true,
      consume: true,
      devices: 20,
      rate: 20,
      seconds: undefined,
    });
    expect(parseUp(['--no-simulate', '--seconds', '0.5', '--devices', '3'])).toMatchObject({ simulate: false, seconds: 0.5, devices: 3 });
    for (const args of [['--devices', '0'], ['--devices', 'x'], ['--rate', '-1'], ['--what'], ['stray']]) {
      let code: unknown;
      try {
        parseUp(args);
      } catch (error) {
        code = (error as { exitCode?: number }).exitCode;
      }
      expect({ args, code }).toEqual({ args, code: 2 });
    }
  });

  it('derives the addresses of a broker of the user', () => {
    const own = externalEndpoints({ amqpUrl: 'amqps://me:p%40ss@broker.example:5671/v', mqttUrl: undefined, wsUrl: 'wss://dev:x@edge.example/ws' });
    expect(own).toMatchObject({
      mqttUrl: 'mqtt://broker.example:1883',
      wsUrl: 'wss://edge.example/ws',
      device: { name: 'me', password: 'p@ss' },
      managementUrl: undefined,
    });
    expect(externalEndpoints({ amqpUrl: 'amqp://h', mqttUrl: 'mqtt://dev:pw@m:1', wsUrl: undefined })).toMatchObject({
      mqttUrl: 'mqtt://m:1',
      device: { name: 'dev', password: 'pw' },
    });
  });
});
