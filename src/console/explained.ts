import type { Explained, TapReading, TapRoute } from './api.ts';
import { el, link } from './dom.ts';
import { clock, measured, plural, visible } from './format.ts';
import { chip, type Level, tag } from './parts.ts';
import { hashOf } from './place.ts';

export function outcomeLevel({ outcome, readings }: Explained): Level {
  if (readings.some(({ fault }) => fault)) return 'bad';
  return outcome === 'readings' ? 'ok' : outcome === 'filtered' ? 'off' : 'bad';
}

/** One line: how it ended. */
export function outcomeText({ outcome, reason, fault, readings, readingCount = readings.length }: Explained): string {
  if (outcome === 'readings') {
    // Others of the same message may have gone their way.
    const dead = readings.find((reading) => reading.fault)?.fault;
    return `${plural(readingCount, 'reading')}${dead ? `, ${dead.code}` : ''}`;
  }
  if (outcome === 'filtered') return reason ? `filtered: ${reason}` : 'filtered';
  return fault ? fault.code : 'dead-lettered';
}

export function outcomeChip(explained: Explained): HTMLElement {
  return chip(outcomeLevel(explained), outcomeText(explained));
}

/** How a message was read and where each reading goes. */
export function explainedParts(explained: Explained): HTMLElement[] {
  const { fault, reason, readings, readingCount = readings.length } = explained;
  return [
    ...(fault ? [el('p', { class: 'trouble' }, `${fault.code}${fault.stage ? ` (${fault.stage})` : ''}: ${visible(fault.message)}`)] : []),
    ...(explained.outcome === 'filtered' ? [el('p', {}, `Nothing to forward: ${reason ?? 'a rule filters it'}.`)] : []),
    ...readings.map(readingPart),
    ...(readingCount > readings.length ? [el('p', { class: 'quiet' }, `and ${plural(readingCount - readings.length, 'more reading')}`)] : []),
  ];
}

function readingPart(reading: TapReading): HTMLElement {
  const { device, profile, measuredAt, values, units = {}, tags = {}, flags = [], routes, fault } = reading;
  return el(
    'div',
    { class: 'reading' },
    el(
      'p',
      { class: 'bar' },
      link(hashOf('devices', device), visible(device)),
      el('span', { class: 'quiet' }, `${visible(profile)}, measured ${clock(measuredAt, Date.now())}`),
      ...flags.map((flag) => tag(visible(flag))),
    ),
    el(
      'p',
      {},
      ...Object.entries(values).map(([name, value]) =>
        el(
          'span',
          { class: 'value' },
          el('span', { class: 'value-name' }, visible(name)),
          el('span', { class: 'value-is' }, visible(measured(value, units[name]))),
        ),
      ),
    ),
    Object.keys(tags).length > 0 &&
      el(
        'p',
        { class: 'quiet' },
        Object.entries(tags)
          .map(([name, value]) => `${visible(name)}=${visible(value)}`)
          .join(' '),
      ),
    el('ul', { class: 'plain' }, ...routes.map((route) => el('li', {}, routeText(route)))),
    fault ? el('p', { class: 'trouble' }, `${fault.code}: ${visible(fault.message)}`) : undefined,
  );
}

export function routeText({ route, action, exchange, routingKey, bestEffort }: TapRoute): string {
  if (action === 'drop') return `${visible(route)}: dropped there`;
  const to = exchange ? visible(exchange) : 'default exchange';
  return `${visible(route)} → ${to}${routingKey ? `, key ${visible(routingKey)}` : ''}${bestEffort === true ? ' (best effort)' : ''}`;
}
