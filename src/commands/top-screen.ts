import { safeText } from '../domain/safe-text.ts';
import type { Paint } from './watch.ts';

/** What of an event `live` is shown. */
export interface LiveEvent {
  readonly at: number;
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly rates: Readonly<Record<'received' | 'forwarded' | 'deadLettered' | 'filtered' | 'deduplicated' | 'readings' | 'bytes', number>>;
  readonly latencyMs: { readonly gateway: Percentiles | null; readonly device: Percentiles | null };
  readonly lagMs: number | null;
  readonly inFlight: { readonly messages: number; readonly items: number };
  readonly imbalance: { readonly messages: number; readonly items: number };
  readonly process: { readonly rssBytes: number; readonly cpu: number; readonly loopP99Ms: number };
  readonly flow: {
    readonly source: { readonly queue: string; readonly prefetch: number; readonly unsettled: number };
    readonly routes: readonly RouteState[];
    readonly deadLetters: { readonly queue: string; readonly buried: number; readonly waiting: number };
  };
}

interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

interface RouteState {
  readonly route: string;
  readonly kind: 'publish' | 'drop';
  readonly state: 'idle' | 'sending' | 'waiting' | 'held';
  readonly lanes: number;
  readonly items: number;
  readonly heldMs: number | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly forwarded: number;
  readonly rate: number;
}

/** What of `/api/devices/summary` is shown. */
export interface DeviceSummary {
  readonly known: number;
  readonly silent: number;
  readonly late: number;
  readonly top: {
    readonly silent: readonly { readonly device: string; readonly silentForMs: number }[];
    readonly late: readonly { readonly device: string; readonly late: number }[];
    readonly refused: readonly { readonly device?: string; readonly topic?: string; readonly refused: number }[];
  };
}

const TOP = 3;
const NAME = 40;

/** One line for a log or a pipe. */
export function topLine(live: LiveEvent, devices: DeviceSummary | undefined): string {
  const { rates, latencyMs, inFlight } = live;
  const held = live.flow.routes.filter(({ state }) => state === 'held').map(({ route, code }) => `${route} ${code ?? ''}`.trim());
  const parts = [
    new Date(live.at).toISOString(),
    live.ready ? 'ready' : 'NOT READY',
    `in ${rates.received}/s`,
    `out ${rates.forwarded}/s`,
    `dead ${rates.deadLettered}/s`,
    `p99 ${latencyMs.gateway === null ? '-' : duration(latencyMs.gateway.p99)}`,
    `in flight ${inFlight.messages}`,
    ...(devices === undefined ? [] : [`devices ${devices.known} (${devices.silent} silent)`]),
    ...(held.length === 0 ? [] : [`held: ${held.join(', ')}`]),
    ...live.reasons.slice(0, 1),
  ];
  return safeText(parts.join('  '));
}

/** A whole screen: at most `rows` lines of at most `columns` characters, without what colours need. */
export function topScreen(
  live: LiveEvent,
  devices: DeviceSummary | undefined,
  of: string,
  { columns, rows }: { columns: number; rows: number },
  to: Paint,
): string[] {
  const { rates, latencyMs, inFlight, imbalance, flow } = live;
  const lines: Line[] = [
    [`${of}  ${new Date(live.at).toISOString().slice(11, 19)}  ${live.ready ? 'ready' : 'NOT READY'}`, live.ready ? to.green : to.red],
    ...live.reasons.slice(0, 5).map((reason): Line => [`  ${reason}`, to.red]),
    [''],
    [`messages in ${num(rates.received)}/s   readings ${num(rates.readings)}/s   items out ${num(rates.forwarded)}/s   ${bytes(rates.bytes)}/s out`],
    [
      `dead ${num(rates.deadLettered)}/s   filtered ${num(rates.filtered)}/s   deduplicated ${num(rates.deduplicated)}/s`,
      rates.deadLettered > 0 ? to.yellow : undefined,
    ],
    [
      `receipt to confirm ${spread(latencyMs.gateway)}   device to confirm ${spread(latencyMs.device)}   lag ${live.lagMs === null ? '-' : duration(live.lagMs)}`,
    ],
    [
      `in flight ${inFlight.messages} of ${flow.source.prefetch} messages, ${inFlight.items} items   memory ${bytes(live.process.rssBytes)}   cpu ${live.process.cpu.toFixed(2)}   loop p99 ${duration(live.process.loopP99Ms)}`,
    ],
    ...(imbalance.messages === 0 && imbalance.items === 0
      ? []
      : [[`THE BOOKS DO NOT BALANCE: ${imbalance.messages} messages, ${imbalance.items} items`, to.red] satisfies Line]),
    [''],
    [`${'ROUTE'.padEnd(24)} ${'STATE'.padEnd(8)} ${'RATE/s'.padStart(9)} ${'TOTAL'.padStart(12)} ${'LANES'.padStart(6)} ${'WAITING'.padStart(8)}`, to.bold],
    ...flow.routes.flatMap((route) => routeLines(route, to)),
    [
      `${'dead letters'.padEnd(24)} ${(flow.deadLetters.waiting > 0 ? 'sending' : '').padEnd(8)} ${''.padStart(9)} ${String(flow.deadLetters.buried).padStart(12)} ${''.padStart(6)} ${String(flow.deadLetters.waiting).padStart(8)}`,
    ],
    ...(devices === undefined ? [] : deviceLines(devices, to)),
  ];
  return lines.slice(0, Math.max(1, rows - 1)).map(([text, colour]) => {
    const shown = safeText(text).slice(0, columns);
    return colour === undefined ? shown : colour(shown);
  });
}

type Line = readonly [text: string, colour?: ((text: string) => string) | undefined];

function routeLines({ route, kind, state, rate, forwarded, lanes, items, heldMs, code, message }: RouteState, to: Paint): Line[] {
  const shown = kind === 'drop' ? 'drops' : state;
  const line = `${cut(route, 24).padEnd(24)} ${shown.padEnd(8)} ${num(rate).padStart(9)} ${String(forwarded).padStart(12)} ${String(lanes).padStart(6)} ${String(items).padStart(8)}`;
  if (state !== 'held') return [[line, state === 'idle' ? to.dim : undefined]];
  return [
    [line, to.red],
    [`  held for ${duration(heldMs ?? 0)}: ${code ?? ''} ${message ?? ''}`, to.red],
  ];
}

function deviceLines({ known, silent, late, top }: DeviceSummary, to: Paint): Line[] {
  const list = (title: string, entries: readonly string[]): Line[] => (entries.length === 0 ? [] : [[`  ${title}: ${entries.slice(0, TOP).join(', ')}`]]);
  return [
    [''],
    [`DEVICES  ${known} known, ${silent} silent, ${late} with late readings`, to.bold],
    ...list(
      'silent',
      top.silent.map(({ device, silentForMs }) => `${cut(device, NAME)} ${duration(silentForMs)}`),
    ),
    ...list(
      'late',
      top.late.map(({ device, late: n }) => `${cut(device, NAME)} ${n}`),
    ),
    ...list(
      'refused',
      top.refused.map(({ device, topic, refused }) => `${cut(device ?? topic ?? '', NAME)} ${refused}`),
    ),
  ];
}

function cut(text: string, most: number): string {
  const safe = safeText(text);
  return safe.length > most ? `${safe.slice(0, most - 3)}...` : safe;
}

function num(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(value);
}

function spread(latency: Percentiles | null): string {
  return latency === null ? '-' : `p50 ${duration(latency.p50)} p99 ${duration(latency.p99)}`;
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}

function bytes(n: number): string {
  if (n < 1024) return `${Math.round(n)} B`;
  return n < 1_048_576 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / 1_048_576).toFixed(1)} MiB`;
}
