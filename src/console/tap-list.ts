import type { TapMessage } from './api.ts';
import { fromBase64, hexLines, textOf } from './bytes-view.ts';
import { el, fill, link } from './dom.ts';
import { explainedParts, outcomeChip } from './explained.ts';
import { bytes, clock, visible } from './format.ts';
import { hashOf } from './place.ts';

/** Messages on the page, and as many that wait while it is paused. */
export const MOST_SHOWN = 200;
const HEX_BYTES = 4096;

/** The newest first; each opens to what it held and what became of it. */
export class TapList {
  readonly element = el('ol', { class: 'tap', 'aria-label': 'Messages, the newest first' });
  private readonly onOpen: () => void;

  constructor(onOpen: () => void) {
    this.onOpen = onOpen;
  }

  /** Oldest first, as they came. */
  add(messages: readonly TapMessage[]): void {
    this.element.prepend(
      ...messages
        .slice(-MOST_SHOWN)
        .map((message) => this.item(message))
        .reverse(),
    );
    while (this.element.childElementCount > MOST_SHOWN) this.element.lastElementChild?.remove();
  }

  clear(): void {
    fill(this.element);
  }

  private item(message: TapMessage): HTMLElement {
    const inside = el('div', { class: 'tap-inside' });
    const summary = el(
      'summary',
      {},
      el('time', {}, clock(message.at, Date.now())),
      el('span', { class: 'tap-topic' }, visible(message.topic)),
      outcomeChip(message),
      el('span', { class: 'tap-routes quiet' }, routesOf(message)),
      el('span', { class: 'tap-size quiet' }, bytes(message.bytes)),
    );
    const details = el('details', {}, summary, inside);
    details.addEventListener('toggle', () => {
      if (!details.open) return;
      this.onOpen();
      if (inside.childElementCount === 0) fill(inside, ...contents(message));
    });
    return el('li', {}, details);
  }
}

function routesOf({ readings }: TapMessage): string {
  const routes = [...new Set(readings.flatMap((reading) => reading.routes.map(({ route }) => route)))];
  return routes.length === 0 ? '' : `→ ${routes.map(visible).join(', ')}`;
}

function contents(message: TapMessage): HTMLElement[] {
  const { payload, profile, contentType, contentEncoding, qos, redelivered, routingKey } = message;
  const about = [
    profile ? `profile ${visible(profile)}` : 'no profile',
    contentType ? visible(contentType) : undefined,
    contentEncoding ? visible(contentEncoding) : undefined,
    qos === null || qos === undefined ? undefined : `QoS ${qos}`,
    redelivered ? 'delivered again' : undefined,
    `routing key ${visible(routingKey)}`,
  ];
  return [
    el('p', { class: 'quiet' }, about.filter(Boolean).join(', ')),
    el('h3', {}, payload.cut === true ? `Payload, the first part of ${bytes(message.bytes)}` : 'Payload'),
    el('pre', { class: 'code', tabindex: 0, role: 'region', 'aria-label': 'Payload' }, payloadText(payload)),
    el('h3', {}, 'What became of it'),
    ...explainedParts(message),
    el('p', {}, link(hashOf('config', '', tryQuery(message)), 'Try this payload again')),
  ];
}

function payloadText({ text, base64 }: TapMessage['payload']): string {
  if (text !== undefined) return text === '' ? '(empty)' : text;
  const raw = fromBase64(base64 ?? '');
  return textOf(raw) ?? hexLines(raw, HEX_BYTES).join('\n');
}

function tryQuery({ topic, payload, contentType, contentEncoding }: TapMessage): Record<string, string | undefined> {
  const content = { type: contentType ?? undefined, encoding: contentEncoding ?? undefined };
  return payload.text === undefined ? { topic, base64: payload.base64, ...content } : { topic, payload: payload.text, ...content };
}
