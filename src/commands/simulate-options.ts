import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CsvError, parseSeries, parseTime } from '../../devices/csv.ts';
import { CommandError, EXIT } from './command.ts';
import type { Series } from '../../devices/csv.ts';
import type { FleetOptions } from '../../devices/fleet.ts';

/** For `parseArgs`. */
export const OPTIONS = {
  mqtt: { type: 'string' },
  ws: { type: 'string' },
  'ws-share': { type: 'string' },
  username: { type: 'string' },
  'password-file': { type: 'string' },
  ca: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  site: { type: 'string' },
  format: { type: 'string' },
  prefix: { type: 'string' },
  devices: { type: 'string' },
  profiles: { type: 'string' },
  connections: { type: 'string' },
  rate: { type: 'string' },
  interval: { type: 'string' },
  qos: { type: 'string' },
  seconds: { type: 'string' },
  messages: { type: 'string' },
  'fault-share': { type: 'string' },
  seed: { type: 'string' },
  'start-time': { type: 'string' },
  'first-seq': { type: 'string' },
  audit: { type: 'boolean' },
  ledger: { type: 'string' },
  csv: { type: 'string' },
  'time-column': { type: 'string' },
  columns: { type: 'string' },
  speed: { type: 'string' },
  delimiter: { type: 'string' },
  decimal: { type: 'string' },
  'date-order': { type: 'string' },
  clean: { type: 'boolean' },
  keepalive: { type: 'string' },
  window: { type: 'string' },
  'connect-rate': { type: 'string' },
  'stop-seconds': { type: 'string' },
  json: { type: 'boolean' },
} as const;

export function usageError(message: string): CommandError {
  return new CommandError(EXIT.usage, `${message} (see sluice simulate --help)`);
}

/** Throws a CommandError where the command line cannot be read. */
export function parse(argv: readonly string[]): { [K in keyof typeof OPTIONS]?: (typeof OPTIONS)[K]['type'] extends 'boolean' ? boolean : string } {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

export function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  if (!/^\d+(\.\d+)?(e\d+)?$/i.test(text)) {
    throw usageError(`--${name} must be a number, not ${JSON.stringify(text)}`);
  }
  return Number(text);
}

function oneOf<T extends string>(name: string, text: string | undefined, choices: readonly T[]): T | undefined {
  const choice = choices.find((known) => known === text);
  if (text !== undefined && choice === undefined) {
    throw usageError(`--${name} must be ${choices.join(' or ')}`);
  }
  return choice;
}

function fileText(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw usageError(`--${name}: ${(error as Error).message}`);
  }
}

function list(text: string | undefined): string[] | undefined {
  return text?.split(',').map((item) => item.trim());
}

type Values = ReturnType<typeof parse>;

function seriesOf(values: Values): Series | undefined {
  const { csv, columns, delimiter = ',' } = values;
  if (csv === undefined) {
    const stray = (['time-column', 'columns', 'speed', 'delimiter', 'decimal', 'date-order'] as const).find((name) => values[name] !== undefined);
    if (stray !== undefined) {
      throw usageError(`--${stray} goes with --csv`);
    }
    return undefined;
  }
  const timeColumns = list(values['time-column']);
  const speed = numberOf('speed', values.speed) ?? 1;
  const separator = delimiter === '\\t' || delimiter === 'tab' ? '\t' : delimiter;
  if (timeColumns === undefined || speed <= 0 || separator.length !== 1) {
    throw usageError('--csv needs --time-column, a --speed above 0 and a --delimiter of one character');
  }
  const decimal = oneOf('decimal', values.decimal, ['.', ',']) ?? '.';
  const dateOrder = oneOf('date-order', values['date-order'], ['mdy', 'dmy']);
  try {
    return parseSeries(fileText('csv', csv), { timeColumns, columns: list(columns), speed, delimiter: separator, decimal, dateOrder });
  } catch (error) {
    throw error instanceof CsvError ? usageError(`${csv}: ${error.message}`) : error;
  }
}

function tlsOf(values: Values): FleetOptions['tls'] {
  const files = (['ca', 'cert', 'key'] as const).flatMap((name) => (values[name] === undefined ? [] : [[name, fileText(name, values[name])] as const]));
  return files.length === 0 ? undefined : Object.fromEntries(files);
}

/** Throws a CommandError for what is no number, no choice or no file; the rest is the fleet's to judge. */
export function fleetOptions(values: Values): FleetOptions {
  const number = (name: keyof Values): number | undefined => numberOf(name, values[name] as string | undefined);
  const password = values['password-file'] === undefined ? process.env['SLUICE_DEVICE_PASSWORD'] : fileText('password-file', values['password-file']).trimEnd();
  if (values.username !== undefined && password === undefined) {
    throw usageError('--username needs a password: --password-file or SLUICE_DEVICE_PASSWORD');
  }
  const startText = values['start-time'];
  const startTime = startText === undefined ? undefined : /^\d+$/.test(startText) ? Number(startText) : parseTime(startText, undefined);
  if (startText !== undefined && startTime === undefined) {
    throw usageError('--start-time must be ISO 8601 or milliseconds since 1970');
  }
  const qos = oneOf('qos', values.qos, ['0', '1', 'mix']);
  return {
    mqttUrl: values.mqtt?.split(',') ?? (values.ws === undefined ? 'mqtt://localhost:1883' : undefined),
    wsUrl: values.ws?.split(','),
    wsShare: number('ws-share'),
    username: values.username,
    password: values.username === undefined ? undefined : password,
    tls: tlsOf(values),
    site: values.site,
    format: values.format,
    prefix: values.prefix,
    devices: number('devices'),
    profiles: list(values.profiles),
    connections: number('connections'),
    rate: number('rate'),
    intervalMs: number('interval'),
    qos: qos === undefined || qos === 'mix' ? qos : qos === '0' ? 0 : 1,
    messages: number('messages'),
    faultShare: number('fault-share'),
    seed: number('seed'),
    startTime,
    firstSeq: number('first-seq'),
    audit: values.audit,
    ledger: values.ledger,
    series: seriesOf(values),
    clean: values.clean,
    keepalive: number('keepalive'),
    window: number('window'),
    connectRate: number('connect-rate'),
  };
}
