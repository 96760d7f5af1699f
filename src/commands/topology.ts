import { parseArgs } from 'node:util';
import { sharedVhost } from '../domain/broker-url.ts';
import { systemScheduler } from '../pipeline/scheduler.ts';
import { assertTopology } from '../rabbit/assert-topology.ts';
import { type BrokerUser, definitionsJson, localUsers } from '../rabbit/definitions.ts';
import { messageOf, redactUrl } from '../rabbit/reasons.ts';
import { type AmqpArguments, buildTopology, type Topology } from '../rabbit/topology.ts';
import type { Settings } from '../settings/load.ts';
import { topologyOptions } from '../app/topology-options.ts';
import { type Command, CommandError, EXIT } from './command.ts';
import { deviceAccounts } from './device-accounts.ts';
import { printable } from './problems.ts';
import { settingsOrExplain } from './settings.ts';
import { withBroker } from './with-broker.ts';

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  apply: { type: 'boolean' },
  json: { type: 'boolean' },
  definitions: { type: 'boolean' },
  device: { type: 'string', multiple: true },
  passwords: { type: 'string' },
} as const;

const HELP = `sluice topology: print or apply the exchanges, queues and bindings that the settings ask for

Usage: sluice topology -c FILE [--apply] [--json | --definitions]
       sluice topology -c FILE --device SITE[/DEVICE] ... [--definitions [--passwords FILE]]

  -c, --config FILE   settings
  --apply             declare on the broker what is missing and check what is there
  --json              print as one JSON object instead of a table
  --definitions       print as a RabbitMQ definitions file (load_definitions, rabbitmqctl import_definitions)
  --device NAME       print an account for devices instead; may be given several times. SITE: one account for all devices
                      below devices/SITE/. SITE/DEVICE: the account SITE.DEVICE for this one, below devices/SITE/DEVICE/.
                      As rabbitmqctl lines, or with --definitions as a file that adds the accounts to what is there
  --passwords FILE    new file for the passwords that --device --definitions makes, one "USER PASSWORD" a line

The definitions hold accounts with the rights of their role for each password in the environment:
SLUICE_GATEWAY_PASSWORD (user gateway) and SLUICE_CONSUMER_PASSWORD (user consumer), both or none of them, with them
SLUICE_OPERATOR_PASSWORD (user operator: reads dead letters, sees the management pages), and SLUICE_DEVICE_PASSWORD with
the site in SLUICE_DEVICE_USER. With one --device, SLUICE_DEVICE_PASSWORD is its password. Passwords are written as
salted hashes. docs/security.md has the rights of each.

Exit codes: 0 done, 2 wrong command line, 3 wrong settings, 4 the broker is not to be had or refuses.
`;

const ANSWER_MS = 10_000;

async function run(argv: readonly string[]): Promise<number> {
  const { config, apply, json, definitions, device, passwords } = parse(argv);
  const { settings } = await settingsOrExplain(config, process.env);
  if (device !== undefined) {
    const password = process.env['SLUICE_DEVICE_PASSWORD'] || undefined;
    const { exchange } = settings.source;
    process.stdout.write(
      deviceAccounts({ names: device, definitions, passwordsFile: passwords, password, exchange, vhost: sharedVhost(settings.rabbitmq.urls) }),
    );
    return EXIT.ok;
  }
  const topology = buildTopology(topologyOptions(settings));
  const users = (): BrokerUser[] => usersFrom(process.env, topology, settings.source.exchange);
  if (definitions) process.stdout.write(definitionsJson(topology, users(), { vhost: sharedVhost(settings.rabbitmq.urls) }));
  else if (json) process.stdout.write(`${JSON.stringify(topology, undefined, 2)}\n`);
  else process.stdout.write(table(topology));
  if (apply) {
    const where = await applyTo(settings, topology);
    process.stderr.write(`sluice topology: applied to ${where}\n`);
  }
  return EXIT.ok;
}

interface Asked {
  readonly config: string;
  readonly apply: boolean;
  readonly json: boolean;
  readonly definitions: boolean;
  readonly device: readonly string[] | undefined;
  readonly passwords: string | undefined;
}

function parse(argv: readonly string[]): Asked {
  let values: Partial<Asked>;
  try {
    ({ values } = parseArgs({ args: [...argv], options: OPTIONS }));
  } catch (error) {
    throw new CommandError(EXIT.usage, `topology: ${messageOf(error)}; see sluice topology --help`);
  }
  const { config, apply = false, json = false, definitions = false, device, passwords } = values;
  if (config === undefined) throw new CommandError(EXIT.usage, 'which settings? sluice topology -c FILE');
  if (json && definitions) throw new CommandError(EXIT.usage, 'topology: give either --json or --definitions');
  if (device !== undefined && (apply || json)) throw new CommandError(EXIT.usage, 'topology: --device goes with neither --apply nor --json');
  if (device === undefined && passwords !== undefined) throw new CommandError(EXIT.usage, 'topology: --passwords goes with --device');
  return { config, apply, json, definitions, device, passwords };
}

async function applyTo(settings: Settings, topology: Topology): Promise<string> {
  await withBroker(settings, 'sluice-topology', async (connection) => {
    await assertTopology(connection, topology, { timeoutMs: ANSWER_MS, scheduler: systemScheduler });
  });
  return settings.rabbitmq.urls.map(redactUrl).join(', ');
}

function usersFrom(env: NodeJS.ProcessEnv, topology: Topology, exchange: string): BrokerUser[] {
  const gateway = env['SLUICE_GATEWAY_PASSWORD'];
  const consumer = env['SLUICE_CONSUMER_PASSWORD'];
  const operator = env['SLUICE_OPERATOR_PASSWORD'];
  const device = env['SLUICE_DEVICE_PASSWORD'];
  const site = env['SLUICE_DEVICE_USER'];
  if (!gateway && !consumer && !operator && !device) return [];
  if (!gateway || !consumer)
    throw new CommandError(EXIT.usage, 'topology: set both SLUICE_GATEWAY_PASSWORD and SLUICE_CONSUMER_PASSWORD, or no password at all');
  if (device && !site) throw new CommandError(EXIT.usage, 'topology: SLUICE_DEVICE_PASSWORD needs the site in SLUICE_DEVICE_USER');
  try {
    return localUsers(topology, {
      gateway: { name: 'gateway', password: gateway },
      consumer: { name: 'consumer', password: consumer },
      exchange,
      operator: operator ? { name: 'operator', password: operator } : undefined,
      devices: device && site ? [{ name: site, password: device }] : [],
    });
  } catch (error) {
    throw new CommandError(EXIT.usage, `topology: ${messageOf(error)}`);
  }
}

function table(topology: Topology): string {
  const rows: string[][] = [
    ...topology.exchanges.map((e) => ['exchange', e.name, e.type, e.durable ? 'durable' : 'transient', argumentsText(e.arguments)]),
    ...topology.queues.map((q) => [
      'queue',
      q.name,
      String(q.arguments['x-queue-type'] ?? ''),
      q.declare ? (q.durable ? 'durable' : 'transient') : 'must exist',
      argumentsText(q.arguments),
    ]),
    ...topology.bindings.map((b) => ['binding', b.queue, `from ${b.source}`, b.routingKey === '' ? '(no key)' : b.routingKey, argumentsText(b.arguments)]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `${printable(row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')).trimEnd()}\n`).join('');
}

function argumentsText(table_: AmqpArguments): string {
  return Object.entries(table_)
    .filter(([name]) => name !== 'x-queue-type')
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');
}

export const command: Command = { name: 'topology', summary: 'print or apply the exchanges, queues and bindings', help: HELP, run };
