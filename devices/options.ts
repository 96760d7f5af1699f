import { DIALECTS, dialectOf } from './formats/index.ts';
import type { Clock } from './clock.ts';
import type { Series } from './csv.ts';

/** The broker's certificate is always verified. */
export interface TlsOptions {
  /** Certificate of the authority that signed the broker's; default: those that Node.js trusts. */
  readonly ca?: string;
  /** The devices' own certificate, and its key. */
  readonly cert?: string;
  readonly key?: string;
}

export interface FleetOptions {
  /**
   * Broker over TCP, `mqtt://host:port`, or with TLS `mqtts://`. At least one of `mqttUrl` and `wsUrl`. Several are nodes of one
   * cluster: the connections are spread over them, and one that is lost goes on to the next.
   */
  readonly mqttUrl?: string | readonly string[] | undefined;
  /** Broker over WebSocket, `ws://host:port/path`, or with TLS `wss://`; one or several. */
  readonly wsUrl?: string | readonly string[] | undefined;
  /** Share of the connections on WebSocket where both are given, 0..1; default 0.5. */
  readonly wsShare?: number | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** For mqtts and wss; PEM texts. */
  readonly tls?: TlsOptions | undefined;
  /** Second level of every topic; default: the user name, else `demo`. */
  readonly site?: string | undefined;
  /** Put before every device name, so that two fleets of one site do not take each other's sessions; default empty. */
  readonly prefix?: string | undefined;
  /** Simulated devices; default 10, or 0 when there is a series. */
  readonly devices?: number | undefined;
  /** Dialect, see formats/index.ts; default the native one. */
  readonly format?: string | undefined;
  /** Kinds, dealt out in turn; default all that the format has. */
  readonly profiles?: readonly string[] | undefined;
  /** Default: one per device up to 1000, then shared. */
  readonly connections?: number | undefined;
  /** Messages per second of all devices together. Default: from `intervalMs`. At most 1000 per device, because device times are whole milliseconds. */
  readonly rate?: number | undefined;
  /** Between two messages of one device; default 1000. Not together with `rate`. */
  readonly intervalMs?: number | undefined;
  /** `mix`: each device (in Sparkplug: each connection) is one or the other, half and half by seed; default 1, in Sparkplug 0. */
  readonly qos?: 0 | 1 | 'mix' | undefined;
  /** Stop planning after this many messages of the whole fleet. */
  readonly messages?: number | undefined;
  /** Share of the devices with a faulty sensor, 0..1; default 0.05. */
  readonly faultShare?: number | undefined;
  readonly seed?: number | undefined;
  /** Device time of the start, milliseconds since 1970; default now. With the same seed and start time the messages are the same. */
  readonly startTime?: number | undefined;
  readonly firstSeq?: number | undefined;
  /** Marks in every message, see audit.ts. */
  readonly audit?: boolean | undefined;
  /** File to write the ledger to; must not exist. */
  readonly ledger?: string | undefined;
  /** A recorded series that one more device replays, once. */
  readonly series?: Series | undefined;
  /** Default false: persistent sessions under fixed client ids. */
  readonly clean?: boolean | undefined;
  /** Seconds; default 15. */
  readonly keepalive?: number | undefined;
  /** Messages without PUBACK per connection; default 100. */
  readonly window?: number | undefined;
  /** New connections per second at the start; default 200. */
  readonly connectRate?: number | undefined;
  /** How long `start` may take after the last connection was tried first; default 30000. */
  readonly startTimeoutMs?: number | undefined;
  readonly connectTimeoutMs?: number | undefined;
  readonly retryMs?: { readonly first: number; readonly most: number } | undefined;
  readonly clock?: Clock | undefined;
}

export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface FleetStats {
  readonly devices: number;
  readonly connections: number;
  readonly connected: number;
  /** Turns that have come up so far; each is attempted, silent, or overdue. */
  readonly planned: number;
  /** Messages handed to the network at least once. */
  readonly attempted: number;
  /** Of those, QoS 1 messages whose PUBACK came. */
  readonly pubacked: number;
  /** Of those, QoS 0 messages: nobody answers for them. */
  readonly unanswered: number;
  /** QoS 1 messages without PUBACK: not known whether the broker has them. */
  readonly inFlight: number;
  /** Turns that a device with a drop-out let pass. */
  readonly silent: number;
  /** Turns that have come up and wait for a connection or for room in the window. */
  readonly overdue: number;
  readonly resent: number;
  /** Publish callbacks with an error; the messages stay in flight. */
  readonly failed: number;
  readonly reconnects: number;
  /** Status messages whose PUBACK came; they are in no other number and not in the ledger. */
  readonly statusPubacked: number;
  /** From the planned time to the first attempt, milliseconds. */
  readonly lateMs: Spread;
  /** From the planned time to the PUBACK, milliseconds: lateness is part of it. */
  readonly pubackMs: Spread;
  readonly lastError: string | undefined;
}

/** Why a fleet could not start or go on. */
export class FleetError extends Error {
  override readonly name = 'FleetError';
  readonly code: 'options' | 'unreachable' | 'refused' | 'aborted' | 'ledger';

  constructor(code: FleetError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export function urlList(urls: string | readonly string[] | undefined): readonly string[] {
  return typeof urls === 'string' ? [urls] : (urls ?? []);
}

/** One topic level of MQTT that also survives RabbitMQ's translation to a routing key: no `/`, `.`, `+`, `#`, `*`, `$`, blanks. */
const LEVEL = /^[\p{L}\p{N}_-]+$/u;

/** Every problem that `options` has, one line each. */
export function problems(options: FleetOptions): string[] {
  const found: string[] = [];
  const check = (ok: boolean, text: string): void => {
    if (!ok) {
      found.push(text);
    }
  };
  const within = (name: string, value: number | undefined, low: number, high: number, whole = false): void => {
    if (value !== undefined) {
      check(value >= low && value <= high && (!whole || Number.isInteger(value)), `${name} must be ${whole ? 'a whole number ' : ''}from ${low} to ${high}`);
    }
  };
  const scheme = (name: string, urls: readonly string[], schemes: readonly string[]): void => {
    for (const url of urls) {
      const parsed = URL.canParse(url) ? new URL(url) : undefined;
      check(parsed !== undefined && parsed.hostname !== '' && schemes.includes(parsed.protocol), `${name} must be a URL with ${schemes.join(' or ')}//`);
      check(!parsed?.username && !parsed?.password, `${name} must not hold a user name or password: error messages show the URL`);
    }
  };
  const [mqtt, ws] = [urlList(options.mqttUrl), urlList(options.wsUrl)];
  check(mqtt.length + ws.length > 0, 'a broker is needed: mqtt or ws');
  scheme('mqtt', mqtt, ['mqtt:', 'mqtts:']);
  scheme('ws', ws, ['ws:', 'wss:']);
  const encrypted = [...mqtt, ...ws].some((url) => url.startsWith('mqtts:') || url.startsWith('wss:'));
  check(options.tls === undefined || encrypted, 'ca, cert and key need a URL with mqtts:// or wss://');
  check((options.tls?.cert === undefined) === (options.tls?.key === undefined), 'cert and key belong together');
  within('ws-share', options.wsShare, 0, 1);
  within('fault-share', options.faultShare, 0, 1);
  within('devices', options.devices, options.series === undefined ? 1 : 0, 100_000, true);
  within('connections', options.connections, 1, 60_000, true);
  within('window', options.window, 1, 60_000, true);
  within('messages', options.messages, 0, Number.MAX_SAFE_INTEGER, true);
  within('first-seq', options.firstSeq, 0, Number.MAX_SAFE_INTEGER, true);
  within('seed', options.seed, 0, 0xffff_ffff, true);
  within('keepalive', options.keepalive, 1, 65_535, true);
  within('connect-rate', options.connectRate, 0.1, 100_000);
  within('rate', options.rate, 0.001, 1000 * (options.devices ?? 10));
  within('interval', options.intervalMs, 1, 86_400_000);
  check(options.format === undefined || dialectOf(options.format) !== undefined, `format must be ${DIALECTS.map(({ name }) => name).join(', ')}, or left out`);
  check(options.format === undefined || options.audit !== true, 'audit marks need the native format');
  check(options.format === undefined || options.series === undefined, 'a series is replayed in the native format only');
  check(options.rate === undefined || options.intervalMs === undefined, 'rate and interval exclude each other');
  check(LEVEL.test(options.site ?? options.username ?? 'demo'), 'the site (by default the user name) may hold letters, digits, _ and - only');
  check(LEVEL.test(`${options.prefix ?? ''}x`), 'the prefix may hold letters, digits, _ and - only');
  return found;
}
