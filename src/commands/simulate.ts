import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CsvError, parseSeries, parseTime } from '../../devices/csv.ts';
import { Fleet, FleetError } from '../../devices/fleet.ts';
import { type Command, CommandError, EXIT } from './command.ts';
import type { Series } from '../../devices/csv.ts';
import type { FleetOptions, FleetStats } from '../../devices/fleet.ts';

const OPTIONS = {
  mqtt: { type: 'string' },
  ws: { type: 'string' },
  'ws-share': { type: 'string' },
  username: { type: 'string' },
  'password-file': { type: 'string' },
  site: { type: 'string' },
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

const HELP = `sluice simulate: run simulated devices that publish over MQTT 3.1.1

Usage: sluice simulate [options]

Broker
  --mqtt URL           over TCP, mqtt://HOST:PORT (default mqtt://localhost:1883 when --ws is not given)
  --ws URL             over WebSocket, for RabbitMQ ws://HOST:15675/ws
  --ws-share SHARE     share of the connections on WebSocket when both are given, 0 to 1 (default 0.5)
  --username NAME      MQTT user; the password comes from the file or from SLUICE_DEVICE_PASSWORD
  --password-file F    file that holds the password
  --clean              no persistent sessions
  --keepalive S        seconds (default 15)

Devices
  --site NAME          second level of the topics (default: the user name, else demo)
  --prefix TEXT        put before each device name; needed when two simulators share a site
  --devices N          how many (default 10; 0 with --csv)
  --profiles A,B       thermostat, power-meter, gps-tracker, vibration-sensor, alarm-button (default: all in turn)
  --fault-share SHARE  share of the devices with a faulty sensor, 0 to 1 (default 0.05)
  --seed N             same seed and --start-time: same messages (default 1)
  --start-time T       device time of the first message, ISO 8601 or milliseconds (default now)
  --first-seq N        first sequence number of each topic (default 1)
  --audit              put sequence number and checksum into the values

Load
  --rate R             messages per second of all devices together
  --interval MS        or: milliseconds between two messages of one device (default 1000)
  --qos 0|1|mix        mix: half of the devices each (default 1)
  --connections N      spread the devices over N connections (default: one each, up to 1000)
  --connect-rate R     new connections per second at the start (default 200)
  --window N           messages without PUBACK per connection, 1 to 60000 (default 100)
  --seconds S          stop after S seconds of publishing (default: until interrupted)
  --messages N         stop after N messages
  --stop-seconds S     how long to wait for the last PUBACKs (default 10)

Replay of a recorded series, as one more device
  --csv FILE           with a header line
  --time-column NAME   or NAME,NAME for date and time of day
  --columns A,B        which columns become values (default: all others)
  --speed X            times faster than recorded (default 1)
  --delimiter C        default ,
  --decimal C          . or , (default .)
  --date-order ORDER   mdy or dmy, for dates like 3/10/2004

Output
  --ledger FILE        a line for each message attempted and each PUBACK; the file must not exist
  --json               statistics as JSON on standard output, one line; no progress lines on standard error

Messages are due at planned times, whatever the broker does. Where a connection is lost or its window is full, they
wait, keep their planned device time, and go out late; none is skipped. The statistics say how late.

Exit codes: 0 all QoS 1 messages acknowledged, 2 wrong command line, 4 broker not there or credentials refused,
5 stopped with messages of unknown fate, 1 anything else.
`;

function usageError(message: string): CommandError {
  return new CommandError(EXIT.usage, `${message} (see sluice simulate --help)`);
}

function parse(argv: readonly string[]): { [K in keyof typeof OPTIONS]?: (typeof OPTIONS)[K]['type'] extends 'boolean' ? boolean : string } {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

function numberOf(name: string, text: string | undefined): number | undefined {
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

function fleetOptions(values: Values): FleetOptions {
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
    mqttUrl: values.mqtt ?? (values.ws === undefined ? 'mqtt://localhost:1883' : undefined),
    wsUrl: values.ws,
    wsShare: number('ws-share'),
    username: values.username,
    password: values.username === undefined ? undefined : password,
    site: values.site,
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

function report(stats: FleetStats, json: boolean): string {
  if (json) {
    return `${JSON.stringify(stats)}\n`;
  }
  const { lateMs, pubackMs } = stats;
  return `${stats.devices} devices on ${stats.connected} of ${stats.connections} connections, ${stats.reconnects} reconnects
messages: ${stats.planned} planned, ${stats.attempted} attempted, ${stats.pubacked} acknowledged, ${stats.unanswered} with QoS 0, ${stats.inFlight} in flight, ${stats.silent} silent, ${stats.overdue} overdue, ${stats.resent} sent again
late ms: p50 ${lateMs.p50}, p99 ${lateMs.p99}, max ${lateMs.max}; planned to PUBACK ms: p50 ${pubackMs.p50}, p99 ${pubackMs.p99}, max ${pubackMs.max}
${stats.lastError === undefined ? '' : `last error: ${stats.lastError}\n`}`;
}

function progressLine(stats: FleetStats): string {
  const trouble = stats.connected < stats.connections && stats.lastError !== undefined ? `; ${stats.lastError}` : '';
  return `${stats.connected}/${stats.connections} connected, ${stats.attempted} attempted, ${stats.pubacked} acknowledged, ${stats.overdue} overdue${trouble}\n`;
}

function asCommandError(error: unknown): unknown {
  if (!(error instanceof FleetError)) {
    return error;
  }
  const codes = { options: EXIT.usage, unreachable: EXIT.unavailable, refused: EXIT.unavailable, aborted: EXIT.failed, ledger: EXIT.failed } as const;
  return error.code === 'options' ? usageError(error.message) : new CommandError(codes[error.code], error.message);
}

async function run(argv: readonly string[]): Promise<number> {
  const values = parse(argv);
  const seconds = numberOf('seconds', values.seconds);
  const stopMs = (numberOf('stop-seconds', values['stop-seconds']) ?? 10) * 1000;
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  let fleet: Fleet;
  try {
    fleet = new Fleet(fleetOptions(values));
  } catch (error) {
    throw asCommandError(error);
  }
  // Once each: a second signal ends the process the hard way.
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    await fleet.start(interrupt.signal);
    const over = new Promise<void>((resolve) => {
      interrupt.signal.addEventListener('abort', () => resolve(), { once: true });
      if (seconds !== undefined) {
        const timer = setTimeout(resolve, Math.min(seconds * 1000, 2 ** 31 - 1));
        interrupt.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
      }
    });
    let stats: FleetStats;
    const progress = setInterval(() => values.json !== true && process.stderr.write(progressLine(fleet.stats())), 10_000);
    try {
      await Promise.race([over, fleet.done()]);
    } finally {
      clearInterval(progress);
      stats = await fleet.stop(stopMs);
      process.stdout.write(report(stats, values.json === true));
    }
    return stats.inFlight === 0 ? EXIT.ok : EXIT.unfinished;
  } catch (error) {
    if (error instanceof FleetError && error.code === 'aborted') {
      process.stderr.write(`${error.message}\n`);
      return EXIT.ok;
    }
    throw asCommandError(error);
  } finally {
    interrupt.abort();
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
  }
}

export const command: Command = { name: 'simulate', summary: 'run simulated devices', help: HELP, run };
