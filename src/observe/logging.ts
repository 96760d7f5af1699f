import { isatty } from 'node:tty';
import pino, { type Logger } from 'pino';
import type { GatewayEvent, Observer } from '../domain/events.ts';
import { redactCredentials } from '../domain/redact.ts';
import { safeJson } from '../domain/safe-text.ts';
import { LineWriter, type LineDestination } from './line-writer.ts';
import { EVENTS, type LogEntry, type LogLevel } from './log-table.ts';
import { RateLimit } from './rate-limit.ts';
import { textLine } from './text.ts';

export interface LoggingOptions {
  /** Name of the gateway, in every line. */
  readonly name: string;
  readonly level: LogLevel | 'fatal' | 'trace' | 'silent';
  /** `auto`: text on a terminal, JSON elsewhere. */
  readonly format?: 'auto' | 'json' | 'text';
  /** File descriptor; standard output when absent. */
  readonly fd?: number;
  /** Takes the lines instead of the descriptor. What it throws is counted and goes no further. */
  readonly destination?: LineDestination;
  /** Lines per window and (event type, code, route); 5 in 10 s when absent. */
  readonly limit?: { readonly lines: number; readonly windowMs: number };
  /** Milliseconds on a clock that never jumps. */
  readonly monotonic?: () => number;
}

export interface LoggingStats {
  readonly suppressed: number;
  readonly writeFailures: number;
}

/** Bytes of lines that may wait for a slow reader. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** Longest text of one field, in UTF-16 units: a topic is shorter, a quoted payload need not be whole. */
const MAX_FIELD = 1024;
const KEYS = 1000;
const SECRET_NAMES = ['password', 'passwd', 'secret', 'token', 'passphrase', 'key', 'pfx', 'authorization', 'cookie'];

function short(value: unknown): unknown {
  return typeof value === 'string' && value.length > MAX_FIELD ? `${value.slice(0, MAX_FIELD)}... (${value.length} characters)` : value;
}

/** `limitBy` of an event, as one string that also names the line that tells of the suppressed ones. */
function limitKey(event: GatewayEvent, fields: readonly string[]): string {
  const values = event as unknown as Readonly<Record<string, unknown>>;
  return JSON.stringify([event.type, ...fields.map((field) => [field, values[field]])]);
}

/**
 * The log of one gateway. Writing a line can fail (disk full, reader gone) without consequence for the gateway: it is
 * counted, and the gateway goes on. `start` arms the timer that tells of suppressed lines and the flush at exit.
 */
export class Logging {
  readonly logger: Logger;
  private readonly writer: LineWriter | undefined;
  private readonly limit: RateLimit;
  private readonly windowMs: number;
  private readonly monotonic: () => number;
  private thrown = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly onExit = (): void => this.flushSync();

  constructor(options: LoggingOptions) {
    const fd = options.fd ?? 1;
    this.writer = options.destination === undefined ? new LineWriter(fd, MAX_WAITING_BYTES) : undefined;
    const destination: LineDestination | undefined = options.destination ?? this.writer;
    const format = options.format ?? 'auto';
    const text = format === 'text' || (format === 'auto' && options.destination === undefined && isatty(fd));
    const { lines, windowMs } = options.limit ?? { lines: 5, windowMs: 10_000 };
    this.limit = new RateLimit({ lines, windowMs, keys: KEYS });
    this.windowMs = windowMs;
    this.monotonic = options.monotonic ?? (() => performance.now());

    const write = (line: string): void => {
      try {
        const clean = redactCredentials(line);
        destination?.write(text ? textLine(clean) : safeJson(clean));
      } catch {
        this.thrown += 1;
      }
    };
    this.logger = pino(
      {
        level: options.level,
        base: { name: options.name },
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        redact: { paths: SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '***' },
      },
      { write },
    );
  }

  /** Turns events into lines. Never throws. */
  readonly observer: Observer = (event) => {
    this.tellSuppressed(this.monotonic());
    const entry: LogEntry<never> = EVENTS[event.type];
    const values = event as unknown as Readonly<Record<string, unknown>>;
    const level = entry.levelBy?.levels[String(values[entry.levelBy.field])] ?? entry.level;
    if (!this.logger.isLevelEnabled(level)) return;
    if (entry.limitBy !== undefined && !this.limit.pass(limitKey(event, entry.limitBy), this.monotonic())) return;
    const fields: Record<string, unknown> = { event: event.type };
    for (const name of entry.fields as readonly string[]) fields[name] = short(values[name]);
    this.logger[level](fields, entry.message);
  };

  start(): void {
    if (this.timer !== undefined) return;
    this.timer = setInterval(() => this.tellSuppressed(this.monotonic()), this.windowMs);
    this.timer.unref();
    process.on('exit', this.onExit);
  }

  /** Tells what was suppressed, then waits for the lines to be written, at most `deadlineMs`. */
  async close(deadlineMs = 1000): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    process.off('exit', this.onExit);
    this.tellSuppressed(Number.POSITIVE_INFINITY);
    await this.writer?.close(deadlineMs);
  }

  /** For an exit that does not wait. */
  flushSync(): void {
    this.tellSuppressed(Number.POSITIVE_INFINITY);
    this.writer?.flushSync();
  }

  stats(): LoggingStats {
    return { suppressed: this.limit.suppressed, writeFailures: this.thrown + (this.writer?.failures ?? 0) };
  }

  private tellSuppressed(now: number): void {
    for (const { key, count } of this.limit.ended(now)) {
      const [type, ...fields] = JSON.parse(key) as [GatewayEvent['type'], ...[string, unknown][]];
      const entry: LogEntry<never> = EVENTS[type];
      this.logger[entry.level]({ event: type, ...Object.fromEntries(fields), suppressed: count }, `${entry.message}: lines were left out`);
    }
  }
}
