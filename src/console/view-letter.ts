import type { LetterDetail } from './api.ts';
import { fromBase64, hexLines, textOf } from './bytes-view.ts';
import { button, el, facts, fill, link } from './dom.ts';
import { bytes, clock, count, visible } from './format.ts';
import { LetterActions } from './letter-actions.ts';
import { ApiError, get } from './net.ts';
import { chip, section, trouble } from './parts.ts';
import { hashOf } from './place.ts';
import type { Context, View } from './view.ts';

/** Bytes in the hex view; more make a page heavy, and `sluice dead show` has all. */
const HEX_BYTES = 16_384;
const TEXT_CHARACTERS = 65_536;

/** One dead letter: why, the bytes, and what can be done. */
export function letter(context: Context): View {
  const { place, signal } = context;
  const id = place.name;
  const about = el('div', {}, el('p', { class: 'quiet' }, 'Asking the broker …'));
  const content = el('div', {});
  const path = `api/dead-letters/${encodeURIComponent(id)}`;
  const actions = new LetterActions(() => void load());
  const buttons = el(
    'div',
    { class: 'bar' },
    button('What would happen today', async () => await actions.plan({ id })),
    button('Replay it …', async () => await actions.replay({ id })),
    button('Drop it …', async () => await actions.drop({ id }), 'danger'),
    el('span', { class: 'grow' }),
    link(hashOf('letters'), 'All dead letters'),
  );

  async function load(): Promise<void> {
    try {
      show(await get<LetterDetail>(path, signal));
    } catch (error) {
      if (signal.aborted) return;
      const gone = error instanceof ApiError && error.status === 404;
      fill(about, gone ? el('p', { class: 'empty' }, error.message) : trouble(error));
      fill(content);
      buttons.hidden = gone;
    }
  }

  function show(detail: LetterDetail): void {
    fill(about, el('p', { class: 'bar' }, chip('bad', visible(detail.code)), el('span', {}, visible(detail.message))), factsOf(detail));
    showBytes(detail.payload_b64, detail.payloadCut, detail.size);
  }

  function showBytes(base64: string, cut: boolean, size: number): void {
    const raw = fromBase64(base64);
    const text = textOf(raw);
    const shown = raw.length > HEX_BYTES || cut ? `, the first ${bytes(Math.min(raw.length, HEX_BYTES))} of ${bytes(size)}` : '';
    fill(
      content,
      el('h3', {}, 'Text'),
      text === undefined ? el('p', { class: 'quiet' }, 'The bytes are not text.') : block('Text', text === '' ? '(empty)' : text.slice(0, TEXT_CHARACTERS)),
      el('h3', {}, `Bytes${shown}`),
      block('Bytes', hexLines(raw, HEX_BYTES).join('\n')),
      text !== undefined && text.length < 20_000 && el('p', {}, link(hashOf('config', '', { topic: topicShown, payload: text }), 'Try this payload')),
    );
  }
  let topicShown = '';

  function factsOf(detail: LetterDetail): HTMLElement {
    topicShown = detail.topic;
    const now = Date.now();
    const at = (text: string | undefined): string | undefined => (text === undefined ? undefined : clock(Date.parse(text), now));
    return facts([
      ['Stage', detail.stage],
      ['Topic', visible(detail.topic)],
      ['Device', detail.device === undefined ? undefined : link(hashOf('devices', detail.device), visible(detail.device))],
      ['Route', detail.route === undefined ? undefined : visible(detail.route)],
      ['Dead is', detail.scope === 'message' ? 'the whole message' : detail.scope === 'reading' ? 'one reading of it' : 'one reading on one route'],
      ['Readings in it', detail.readings === undefined ? undefined : count(detail.readings)],
      ['Received', at(detail.receivedAt)],
      ['Failed first', at(detail.firstFailedAt)],
      ['Buried', at(detail.buriedAt)],
      ['Attempts', count(detail.attempts)],
      ['Replayed', detail.replays === 0 ? 'never' : `${detail.replays}×`],
      [
        'Content',
        [detail.contentType, detail.contentEncoding]
          .filter((part) => part !== undefined)
          .map(visible)
          .join(', '),
      ],
      ['Size', bytes(detail.size)],
      ['Settings then', detail.config],
      ['Id', visible(detail.id)],
    ]);
  }

  void load();
  return { title: 'Dead letter', element: el('div', {}, buttons, actions.result, section('What happened', about), section('What the device sent', content)) };
}

function block(name: string, text: string): HTMLElement {
  return el('pre', { class: 'code', tabindex: 0, role: 'region', 'aria-label': name }, text);
}
