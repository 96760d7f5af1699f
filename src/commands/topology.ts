import { parseArgs } from 'node:util';
import { vhostOf } from '../broker-probe.ts';
import { systemScheduler } from '../pipeline/scheduler.ts';
import { assertTopology } from '../rabbit/assert-topology.ts';
import { type BrokerUser, definitionsJson, localUsers } from '../rabbit/definitions.ts';
import { messageOf, redactUrl } from '../rabbit/reasons.ts';
import { type AmqpArguments, buildTopology, type Topology } from '../rabbit/topology.ts';
import { loadSettings, type Settings } from '../settings/load.ts';
import { topologyOptions } from '../topology-options.ts';
import { type Command, CommandError, EXIT } from './command.ts';
import { formatProblem, printable } from './problems.ts';
import { withBroker } from './with-broker.ts';

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  apply: { type: 'boolean' },
  json: { type: 'boolean' },
  definitions: { type: 'boolean' },
} as const;

const HELP = `sluice topology: print or apply the exchanges, queues and bindings that the settings ask for

Usage: sluice topology -c FILE [--apply] [--json | --definitions]

  -c, --config FILE   settings
  --apply             declare on the broker what is missing and check what is there
  --json              print as one JSON object instead of a table
  --definitions       print as a RabbitMQ definitions file (load_definitions, rabbitmqctl import_definitions)

The definitions hold accounts with the rights of their role for each password in the environment:
SLUICE_GATEWAY_PASSWORD (user gateway) and SLUICE_CONSUMER_PASSWORD (user consumer), both or none of them, and
SLUICE_DEVICE_PASSWORD with the site in SLUICE_DEVICE_USER. Passwords are written as salted hashes.

Exit codes: 0 done, 2 wrong command line, 3 wrong settings, 4 the broker is not to be had or refuses.
`;

const ANSWER_MS = 10_000;

async function run(argv: readonly string[]): Promise<number> {
  const { config, apply, json, definitions } = parse(argv);
  const loaded = await loadSettings(config, process.env);
  if (!loaded.ok) throw new CommandError(EXIT.settings, `the settings are wrong:\n${loaded.problems.map(formatProblem).join('\n')}`);
  const { settings } = loaded;
  const topology = buildTopology(topologyOptions(settings));
  if (definitions) process.stdout.write(definitionsJson(topology, usersFrom(process.env, topology), { vhost: vhostOf(settings) }));
  else if (json) process.stdout.write(`${JSON.stringify(topology, undefined, 2)}\n`);
  else process.stdout.write(table(topology));
  if (apply) {
    const where = await applyTo(settings, topology);
    process.stderr.write(`sluice topology: applied to ${where}\n`);
  }
  return EXIT.ok;
}

function parse(argv: readonly string[]): { config: string; apply: boolean; json: boolean; definitions: boolean } {
  let values: { config?: string; apply?: boolean; json?: boolean; definitions?: boolean };
  try {
    ({ values } = parseArgs({ args: [...argv], options: OPTIONS }));
  } catch (error) {
    throw new CommandError(EXIT.usage, `topology: ${messageOf(error)}; see sluice topology --help`);
  }
  const { config, apply = false, json = false, definitions = false } = values;
  if (config === undefined) throw new CommandError(EXIT.usage, 'which settings? sluice topology -c FILE');
  if (json && definitions) throw new CommandError(EXIT.usage, 'topology: give either --json or --definitions');
  return { config, apply, json, definitions };
}

async function applyTo(settings: Settings, topology: Topology): Promise<string> {
  await withBroker(settings, 'sluice-topology', async (connection) => {
    await assertTopology(connection, topology, { timeoutMs: ANSWER_MS, scheduler: systemScheduler });
  });
  return settings.rabbitmq.urls.map(redactUrl).join(', ');
}

function usersFrom(env: NodeJS.ProcessEnv, topology: Topology): BrokerUser[] {
  const gateway = env['SLUICE_GATEWAY_PASSWORD'];
  const consumer = env['SLUICE_CONSUMER_PASSWORD'];
  const device = env['SLUICE_DEVICE_PASSWORD'];
  const site = env['SLUICE_DEVICE_USER'];
  if (!gateway && !consumer && !device) return [];
  if (!gateway || !consumer)
    throw new CommandError(EXIT.usage, 'topology: set both SLUICE_GATEWAY_PASSWORD and SLUICE_CONSUMER_PASSWORD, or no password at all');
  if (device && !site) throw new CommandError(EXIT.usage, 'topology: SLUICE_DEVICE_PASSWORD needs the site in SLUICE_DEVICE_USER');
  try {
    return localUsers(topology, {
      gateway: { name: 'gateway', password: gateway },
      consumer: { name: 'consumer', password: consumer },
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
