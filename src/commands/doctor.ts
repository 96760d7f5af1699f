import { parseArgs } from 'node:util';
import { probeBroker } from '../app/broker-probe.ts';
import { messageOf, redactUrl } from '../rabbit/reasons.ts';
import { buildTopology } from '../rabbit/topology.ts';
import { topologyOptions } from '../app/topology-options.ts';
import { type Command, CommandError, EXIT } from './command.ts';
import { settingsOrExplain } from './settings.ts';
import { withBroker } from './with-broker.ts';

const HELP = `sluice doctor: what about the broker can lose data, and what to do about it

Usage: sluice doctor -c FILE [--json]

  -c, --config FILE   settings
  --json              print as one JSON object

Connects as the settings say and looks at version and ingest queue; with rabbitmq.management in the settings also at plugins,
policies, bindings and alarms. Changes nothing.

Exit codes: 0 nothing to worry about, 1 there are warnings, 2 wrong command line, 3 wrong settings, 4 the broker is not to be had.
`;

async function run(argv: readonly string[]): Promise<number> {
  const { config, json } = parse(argv);
  const { settings } = await settingsOrExplain(config, process.env);
  const topology = buildTopology(topologyOptions(settings));
  const facts = await withBroker(settings, 'sluice-doctor', async (connection) => await probeBroker(connection, settings, topology, false));
  const lines = [
    settings.rabbitmq.urls.map(redactUrl).join(', '),
    ...facts.notes.map((note) => `  ${note}`),
    ...facts.warnings.map((warning) => `warning: ${warning}`),
    facts.warnings.length === 0 ? 'nothing to worry about' : `${facts.warnings.length} ${facts.warnings.length === 1 ? 'warning' : 'warnings'}`,
  ];
  process.stdout.write(`${json ? JSON.stringify(facts, undefined, 2) : lines.join('\n')}\n`);
  return facts.warnings.length === 0 ? EXIT.ok : EXIT.failed;
}

function parse(argv: readonly string[]): { config: string; json: boolean } {
  let values: { config?: string; json?: boolean };
  try {
    ({ values } = parseArgs({ args: [...argv], options: { config: { type: 'string', short: 'c' }, json: { type: 'boolean' } } }));
  } catch (error) {
    throw new CommandError(EXIT.usage, `doctor: ${messageOf(error)}; see sluice doctor --help`);
  }
  const { config, json = false } = values;
  if (config === undefined) throw new CommandError(EXIT.usage, 'which settings? sluice doctor -c FILE');
  return { config, json };
}

export const command: Command = { name: 'doctor', summary: 'look for what about the broker can lose data', help: HELP, run };
