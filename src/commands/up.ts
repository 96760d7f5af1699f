import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { type Command, CommandError, EXIT } from './command.ts';
import { Together } from './together.ts';
import type { UpOptions } from './up-plan.ts';

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  dir: { type: 'string' },
  'free-ports': { type: 'boolean' },
  'no-simulate': { type: 'boolean' },
  'no-consume': { type: 'boolean' },
  devices: { type: 'string' },
  rate: { type: 'string' },
  seconds: { type: 'string' },
} as const;

const HELP = `sluice up: run everything together, as npm start does: RabbitMQ, the gateway, simulated devices, a consumer

Usage: sluice up [options]

  -c, --config FILE   settings of the gateway (default config/sluice.yaml)
  --dir DIR           data of the private RabbitMQ node, accounts, logs (default .sluice)
  --free-ports        ports that are free instead of the usual ones, to run beside another
  --no-simulate       without simulated devices
  --no-consume        without the consumer
  --devices N         simulated devices, 1 to 1000 (default 20)
  --rate R            messages per second of all of them together (default 20)
  --seconds S         stop after S seconds

Environment
  SLUICE_AMQP_URL     use this broker instead of a private node; it must let the account declare the topology
  SLUICE_MQTT_URL     where its devices connect (default: the same host, port 1883, the same account)
  SLUICE_WS_URL       the same over WebSocket (default: the same host, port 15675, path /ws)
  SLUICE_HTTP_PORT    port of the gateway's HTTP server (default 9600)

Ctrl-C stops the devices, lets the gateway send out what it holds, stops consumer and broker, and prints the ledger.

Exit codes: 0 stopped in order, 1 something ended that should not, 2 wrong command line, 3 wrong settings,
4 a port, the broker or a right is not to be had, 5 stopped at once on a second Ctrl-C, or with messages in flight.
`;

function numberOf(name: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value < least || value > most)
    throw new CommandError(EXIT.usage, `--${name} is a number from ${least} to ${most}, not ${JSON.stringify(text)}`);
  return value;
}

/** The file of this folder, else the one that came with the program. */
function defaultConfig(): string {
  if (existsSync('config/sluice.yaml')) return 'config/sluice.yaml';
  return fileURLToPath(new URL('../../../config/sluice.yaml', import.meta.url));
}

export function parseUp(argv: readonly string[]): UpOptions {
  let values: { [K in keyof typeof OPTIONS]?: (typeof OPTIONS)[K]['type'] extends 'boolean' ? boolean : string };
  try {
    ({ values } = parseArgs({ args: [...argv], options: OPTIONS, strict: true, allowPositionals: false }));
  } catch (error) {
    throw new CommandError(EXIT.usage, `${error instanceof Error ? error.message : String(error)}; see sluice up --help`);
  }
  const devices = numberOf('devices', values.devices, 1, 1000) ?? 20;
  return {
    config: values.config ?? defaultConfig(),
    dir: values.dir ?? '.sluice',
    freePorts: values['free-ports'] === true,
    simulate: values['no-simulate'] !== true,
    consume: values['no-consume'] !== true,
    devices: Math.round(devices),
    rate: numberOf('rate', values.rate, 0.1, 100_000) ?? 20,
    seconds: numberOf('seconds', values.seconds, 0, 1_000_000),
  };
}

async function run(argv: readonly string[]): Promise<number> {
  const together = new Together(parseUp(argv), process.stdout);
  const onSignal = (): void => together.interrupt();
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('SIGHUP', onSignal);
  try {
    return await together.run();
  } finally {
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
    process.removeListener('SIGHUP', onSignal);
  }
}

export const command: Command = { name: 'up', summary: 'run everything together: broker, gateway, simulated devices, consumer', help: HELP, run };
