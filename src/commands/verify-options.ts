import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { LOCAL_BROKER } from '../domain/broker-url.ts';
import { FAULTS } from '../verify/faults/index.ts';
import type { PrivateTarget, UserTarget } from '../verify/ground.ts';
import type { VerifyOptions } from '../verify/run.ts';
import { CommandError, EXIT } from './command.ts';
import { settingsOrExplain } from './settings.ts';

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  private: { type: 'boolean' },
  amqp: { type: 'string' },
  mqtt: { type: 'string' },
  ws: { type: 'string' },
  username: { type: 'string' },
  site: { type: 'string' },
  http: { type: 'string' },
  rate: { type: 'string' },
  seconds: { type: 'string' },
  devices: { type: 'string' },
  faults: { type: 'string' },
  seed: { type: 'string' },
  json: { type: 'string' },
  dir: { type: 'string' },
  // For tests of the verdict itself: another build of the gateway.
  gateway: { type: 'string' },
} as const;

type Values = { [K in keyof typeof OPTIONS]?: (typeof OPTIONS)[K]['type'] extends 'boolean' ? boolean : string };

const USER_OPTIONS = ['amqp', 'mqtt', 'ws', 'username', 'site', 'http'] as const;
const LIST = /^([a-z-]+)(?:\*(\d{1,4}))?$/;

export interface VerifyCommand extends VerifyOptions {
  readonly json: string | undefined;
}

function usage(message: string): CommandError {
  return new CommandError(EXIT.usage, `${message}; see sluice verify --help`);
}

function numberOf(name: string, text: string | undefined, fallback: number, least: number, most: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value < least || value > most) throw usage(`--${name} is a number from ${least} to ${most}, not ${JSON.stringify(text)}`);
  return value;
}

/** `all`, `none`, or a list of kinds, each with `*N` for N times. */
export function faultList(text: string, mode: 'private' | 'user'): string[] {
  const possible = FAULTS.filter(({ needs }) => needs === 'none' || mode === 'private').map(({ kind }) => kind);
  if (text === 'all') return possible;
  if (text === 'none') return [];
  return text.split(',').flatMap((word) => {
    const [, kind = '', times = '1'] = LIST.exec(word.trim()) ?? [];
    if (kind === 'random' && mode === 'private') return ['random'];
    if (possible.includes(kind)) return Array.from({ length: Number(times) }, () => kind);
    const why = FAULTS.some((fault) => fault.kind === kind) || kind === 'random' ? 'needs a private broker and gateway' : 'does not exist';
    throw usage(`the fault ${JSON.stringify(word.trim())} ${why}; there are: ${possible.join(', ')}${mode === 'private' ? ', random' : ''}`);
  });
}

function defaultConfig(): string {
  if (existsSync('config/sluice.yaml')) return 'config/sluice.yaml';
  return fileURLToPath(new URL('../../../config/sluice.yaml', import.meta.url));
}

export async function parseVerify(argv: readonly string[], env: NodeJS.ProcessEnv, anySeed: () => number): Promise<VerifyCommand> {
  let values: Values;
  try {
    ({ values } = parseArgs({ args: [...argv], options: OPTIONS, strict: true, allowPositionals: false }));
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
  const given = USER_OPTIONS.filter((name) => values[name] !== undefined);
  if (values.private === true && given.length > 0) throw usage(`--private brings a broker of its own: leave out --${given.join(', --')}`);
  const target = given.length === 0 ? privateTarget(values) : await userTarget(values, env);
  const rate = numberOf('rate', values.rate, target.mode === 'private' ? 500 : 100, 1, 100_000);
  const devices = numberOf('devices', values.devices, 50, 1, 10_000);
  if (rate > devices * 1000) throw usage(`--rate ${rate} is more than 1000 messages per second and device`);
  return {
    target,
    rate,
    seconds: numberOf('seconds', values.seconds, 30, 1, 1_000_000),
    devices: Math.round(devices),
    faults: faultList(values.faults ?? 'all', target.mode),
    seed: Math.round(numberOf('seed', values.seed, anySeed(), 0, 0xffff_ffff)),
    json: values.json,
  };
}

function privateTarget(values: Values): PrivateTarget {
  return { mode: 'private', config: values.config ?? defaultConfig(), root: values.dir ?? '.sluice', gateway: values.gateway };
}

async function userTarget(values: Values, env: NodeJS.ProcessEnv): Promise<UserTarget> {
  const file = values.config;
  if (file === undefined) throw usage('which settings does the gateway run with? -c FILE');
  if (values.gateway !== undefined) throw usage('--gateway goes with --private');
  const loaded = await settingsOrExplain(file, env);
  const { rabbitmq, http } = loaded.settings;
  const amqpUrl = values.amqp ?? rabbitmq.urls[0] ?? LOCAL_BROKER;
  if (!URL.canParse(amqpUrl)) throw usage('--amqp is a URL, amqp://user:password@host:port');
  if (new URL(amqpUrl).protocol !== 'amqp:') throw usage('the audit reads over amqp://; give such an address of the broker with --amqp');
  const account = new URL(amqpUrl);
  const host = account.hostname;
  const anyHost = http.host === '0.0.0.0' || http.host === '::' ? '127.0.0.1' : http.host;
  const httpUrl = values.http ?? `http://${anyHost.includes(':') ? `[${anyHost}]` : anyHost}:${http.port}`;
  if (!URL.canParse(httpUrl)) throw usage("--http is the URL of the gateway's HTTP server");
  const username = values.username ?? (account.username === '' ? 'guest' : decodeURIComponent(account.username));
  return {
    mode: 'user',
    settings: loaded.settings,
    root: values.dir ?? '.sluice',
    amqpUrl,
    mqttUrl: values.mqtt ?? (values.ws === undefined ? `mqtt://${host}:1883` : undefined),
    wsUrl: values.ws,
    username,
    password: env['SLUICE_DEVICE_PASSWORD'] ?? (account.password === '' ? 'guest' : decodeURIComponent(account.password)),
    httpUrl: httpUrl.replace(/\/$/, ''),
    topicSite: values.site ?? username,
  };
}
