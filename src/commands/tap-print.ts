import { safeText } from '../domain/safe-text.ts';
import type { Paint } from './watch.ts';

type Value = number | string | boolean | bigint;

/** What of an event `message` is shown. */
export interface TapMessage {
  readonly at: number;
  readonly topic: string;
  readonly bytes: number;
  readonly contentType: string | null;
  readonly contentEncoding: string | null;
  readonly redelivered: boolean;
  readonly payload: { readonly text?: string; readonly base64?: string; readonly cut: boolean };
  readonly profile: string | null;
  readonly outcome: 'readings' | 'filtered' | 'dead-lettered';
  readonly reason: string | null;
  readonly fault: Fault | null;
  readonly readingCount: number;
  readonly readings: readonly TapReading[];
}

interface Fault {
  readonly code: string;
  readonly message: string;
}

interface TapReading {
  readonly device: string;
  readonly values: Readonly<Record<string, Value>>;
  readonly units?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  readonly cut?: boolean;
  readonly routes: readonly {
    readonly route: string;
    readonly action: 'publish' | 'drop';
    readonly exchange: string | null;
    readonly routingKey: string | null;
  }[];
  readonly fault: Fault | null;
}

const TEXT = 60;
const VALUES = 12;
const PAYLOAD = 200;

/** A message for a person: a line of its own, one for what went wrong, one a reading. Everything that a device wrote is made safe. */
export function tapLines(message: TapMessage, to: Paint): string {
  const { at, topic, bytes, profile, outcome, reason, fault, readings, readingCount } = message;
  const time = new Date(at).toISOString().slice(11, 23);
  const marks = [message.contentType, message.contentEncoding, message.redelivered ? 'redelivered' : null].filter((mark) => mark !== null);
  const what =
    outcome === 'filtered'
      ? to.dim(`filtered: ${shown(reason ?? '')}`)
      : outcome === 'dead-lettered'
        ? to.red(outcome)
        : to.green(`${readingCount} ${readingCount === 1 ? 'reading' : 'readings'}`);
  const lines = [[to.dim(time), to.bold(shown(topic, 255)), `${bytes} B`, ...marks.map((mark) => shown(mark)), shown(profile ?? '-'), what].join('  ')];
  if (fault !== null) lines.push(`  ${to.red(`${fault.code}: ${shown(fault.message, 300)}`)}`, `  payload ${payloadText(message)}`);
  for (const reading of readings) lines.push(...readingLines(reading, to));
  if (readings.length < readingCount) lines.push(to.dim(`  and ${readingCount - readings.length} more`));
  return `${lines.join('\n')}\n`;
}

function readingLines({ device, values, units = {}, flags = [], cut = false, routes, fault }: TapReading, to: Paint): string[] {
  const all = Object.entries(values);
  const list = all.slice(0, VALUES).map(([name, value]) => {
    const unit = Object.hasOwn(units, name) ? ` ${shown(units[name] ?? '')}` : '';
    return `${shown(name)}=${typeof value === 'string' ? shown(JSON.stringify(value)) : String(value)}${unit}`;
  });
  if (all.length > VALUES || cut) list.push('...');
  const ways = routes.map(({ route, action, exchange, routingKey }) =>
    action === 'drop' ? `dropped by ${shown(route)}` : `${shown(route)} (${shown(exchange ?? '')} ${shown(routingKey ?? '', 255)})`,
  );
  const marks = flags.length === 0 ? '' : `  ${to.yellow(flags.map((flag) => shown(flag)).join(' '))}`;
  const lines = [`  ${shown(device)}  ${list.join(' ')}${marks}${ways.length === 0 ? '' : `  ${to.dim(`-> ${ways.join(', ')}`)}`}`];
  if (fault !== null) lines.push(`    ${to.red(`${fault.code}: ${shown(fault.message, 300)}`)}`);
  return lines;
}

function payloadText({ payload, bytes }: TapMessage): string {
  const text = payload.text === undefined ? `${payload.base64 ?? ''} (base64)` : payload.text;
  return `${shown(text, PAYLOAD)}${payload.cut ? ` (of ${bytes} B)` : ''}`;
}

function shown(text: string, most = TEXT): string {
  return safeText(text.length > most ? `${text.slice(0, most)}...` : text);
}
