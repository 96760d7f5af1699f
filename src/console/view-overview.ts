import type { ComponentView, DeviceSummary, SessionView, Status, Tally } from './api.ts';
import { writeSummary } from './device-summary.ts';
import { el, fill, setAttribute, setText } from './dom.ts';
import { Flow } from './flow.ts';
import { bytes, count, duration, plural, short, visible } from './format.ts';
import { get, repeat } from './net.ts';
import { chip, Chip, levelOf, Tile } from './parts.ts';
import { Plot } from './plot.ts';
import type { Context, View } from './view.ts';

const STATUS_MS = 2000;
const SUMMARY_MS = 5000;
const SPAN_MS = 600_000;

export function overview(context: Context): View {
  const { live, signal } = context;
  const flow = new Flow();
  const tiles = {
    received: new Tile('Received'),
    forwarded: new Tile('Forwarded'),
    dead: new Tile('Dead-lettered'),
    latency: new Tile('Latency p99'),
    lag: new Tile('Behind by'),
    process: new Tile('Processor'),
  };
  const common = { height: 190, spanMs: SPAN_MS, signal };
  const throughput = new Plot({
    ...common,
    title: 'Throughput per second',
    caption: '',
    format: short,
    lines: [
      { name: 'received', colour: '1' },
      { name: 'forwarded', colour: '2', dash: [6, 3] },
      { name: 'dead-lettered', colour: '4', dash: [2, 2] },
      { name: 'filtered', colour: '3', dash: [1, 4] },
    ],
  });
  const latency = new Plot({
    ...common,
    title: 'Time from receipt to confirm',
    caption: '',
    format: duration,
    lines: [
      { name: 'half within', colour: '1' },
      { name: '99 % within', colour: '4', dash: [6, 3] },
    ],
  });
  const ledger = new LedgerLine();
  const health = el('ul', { class: 'health' });
  let shownHealth = '';

  live.onEvent((event) => {
    const { rates, latencyMs, process } = event;
    tiles.received.set(`${short(rates.received)}/s`, `${short(rates.readings)} readings/s`);
    tiles.forwarded.set(`${short(rates.forwarded)}/s`, `${bytes(rates.bytes)}/s`);
    tiles.dead.set(`${short(rates.deadLettered)}/s`, `${short(rates.filtered)}/s filtered`, rates.deadLettered > 0 ? 'warn' : 'off');
    tiles.latency.set(duration(latencyMs.gateway?.p99), `half within ${duration(latencyMs.gateway?.p50)}`);
    tiles.lag.set(duration(event.lagMs), latencyMs.device === null ? 'no device times' : `device to confirm ${duration(latencyMs.device.p50)}`);
    tiles.process.set(`${Math.round(process.cpu * 100)} %`, `of a core, ${bytes(process.rssBytes)}`);
    flow.set(event);
    const at = live.points.map((point) => point.at);
    const column = (key: 'received' | 'forwarded' | 'deadLettered' | 'filtered' | 'gatewayP50' | 'gatewayP99'): (number | null)[] =>
      live.points.map((point) => point[key]);
    throughput.set(at, [column('received'), column('forwarded'), column('deadLettered'), column('filtered')]);
    latency.set(at, [column('gatewayP50'), column('gatewayP99')]);
    const state = JSON.stringify([event.flow.components, event.flow.sessions]);
    if (state !== shownHealth) {
      shownHealth = state;
      fill(health, ...event.flow.components.map(componentLine), ...event.flow.sessions.map(sessionLine));
    }
  }, signal);

  repeat(STATUS_MS, signal, async () => ledger.set(await get<Status>('status', signal)));
  const devices = el('div', { class: 'summary' });
  repeat(SUMMARY_MS, signal, async () => writeSummary(devices, await get<DeviceSummary>('api/devices/summary', signal)));

  return {
    title: 'Overview',
    element: el(
      'div',
      { class: 'overview' },
      el('dl', { class: 'tiles' }, ...Object.values(tiles).map(({ element }) => element)),
      section('Flow', flow.element, ledger.element),
      el('div', { class: 'two' }, section('Throughput per second', throughput.element), section('Latency, receipt to confirm', latency.element)),
      el('div', { class: 'two' }, section('Health', health), section('Devices', devices)),
    ),
  };
}

export function section(title: string, ...children: readonly (Node | undefined)[]): HTMLElement {
  return el('section', { class: 'card', 'aria-label': title }, el('h2', {}, title), ...children);
}

function componentLine({ name, phase, reason }: ComponentView): HTMLElement {
  return el(
    'li',
    {},
    el('span', { class: 'health-name' }, name),
    chip(levelOf(phase, reason), phase),
    reason ? el('span', { class: 'health-reason' }, visible(reason)) : undefined,
  );
}

function sessionLine({ name, state, address, reason }: SessionView): HTMLElement {
  const where = el('span', { class: 'quiet' }, address ?? '');
  return el(
    'li',
    {},
    el('span', { class: 'health-name' }, `${name} connection`),
    chip(levelOf(state, reason), state),
    where,
    reason ? el('span', { class: 'health-reason' }, visible(reason)) : undefined,
  );
}

/** The books in one line. */
class LedgerLine {
  readonly element: HTMLElement;
  private readonly chip = new Chip('wait', 'Ledger');
  private readonly text = el('span', {});

  constructor() {
    this.element = el('p', { class: 'ledger' }, this.chip.element, this.text);
  }

  set({ ledger, inFlight, imbalance, uptimeSeconds }: Status): void {
    const balanced = imbalance.messages === 0 && imbalance.items === 0;
    this.chip.set(balanced ? 'ok' : 'bad', balanced ? 'Ledger balanced' : 'Ledger does not balance');
    const { messages, items } = ledger;
    const off = balanced
      ? ''
      : ` Off by ${plural(imbalance.messages, 'message')} and ${plural(imbalance.items, 'item')}: a bug of the gateway; please report it.`;
    setText(this.text, ` ${line('messages', messages, inFlight.messages)} (since ${duration(uptimeSeconds * 1000)}).${off}`);
    setAttribute(this.element, 'title', line('items', items, inFlight.items));
  }
}

function line(what: string, tally: Tally, inFlight: number): string {
  const rest = [
    [tally.deadLettered, 'dead-lettered'],
    [tally.filtered, 'filtered'],
    [tally.deduplicated, 'deduplicated'],
    [tally.abandoned, 'given back'],
    [inFlight, 'under way'],
  ] as const;
  const shown = rest.filter(([n]) => n > 0).map(([n, name]) => ` + ${count(n)} ${name}`);
  return `${count(tally.received)} ${what} received = ${count(tally.forwarded)} forwarded${shown.join('')}`;
}
