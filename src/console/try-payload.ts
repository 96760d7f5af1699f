import type { ExplainAnswer } from './api.ts';
import { el, field, fill, select } from './dom.ts';
import { explainedParts, outcomeChip } from './explained.ts';
import { post } from './net.ts';
import { trouble } from './parts.ts';

/** What the settings in force would make of a message that somebody pastes. */
export function tryPayload(given: URLSearchParams): HTMLElement {
  const base64 = given.get('base64');
  const topic = el('input', {
    type: 'text',
    required: true,
    value: given.get('topic') ?? '',
    placeholder: 'devices/plant-1/bench/telemetry',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const payload = el('textarea', { rows: 6, spellcheck: 'false', placeholder: '{"values":{"temperature":21.5}}' });
  payload.value = base64 ?? given.get('payload') ?? '';
  const written = select(
    [
      ['text', 'text'],
      ['base64', 'base64'],
      ['hex', 'hex'],
    ],
    base64 === null ? 'text' : 'base64',
  );
  const type = el('input', { type: 'text', value: given.get('type') ?? '', placeholder: 'application/json', autocomplete: 'off', spellcheck: 'false' });
  const encoding = select([['', 'none'], ...['gzip', 'deflate', 'zstd'].map((name) => [name, name] as const)], given.get('encoding') ?? '');
  const result = el('div', { class: 'result', role: 'status' });
  const form = el(
    'form',
    { class: 'try' },
    field('Topic', topic),
    field('Payload', payload),
    el(
      'div',
      { class: 'filters' },
      field('Written as', written),
      field('Content type', type, 'grow'),
      field('Packed', encoding),
      el('button', { class: 'primary apply' }, 'Try it'),
    ),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void run();
  });

  async function run(): Promise<void> {
    try {
      const body = {
        topic: topic.value.trim(),
        ...payloadOf(written.value, payload.value),
        ...(type.value.trim() === '' ? {} : { contentType: type.value.trim() }),
        ...(encoding.value === '' ? {} : { contentEncoding: encoding.value }),
      };
      const answer = await post<ExplainAnswer>('api/explain', body);
      fill(
        result,
        el('p', { class: 'bar' }, outcomeChip(answer), el('span', { class: 'quiet' }, 'Nothing was sent.')),
        ...explainedParts(answer),
        el(
          'details',
          {},
          el('summary', {}, 'Step by step'),
          el('pre', { class: 'code', tabindex: 0, role: 'region', 'aria-label': 'Step by step' }, answer.text),
        ),
      );
    } catch (error) {
      fill(result, trouble(error));
    }
  }
  return el('div', {}, form, result);
}

function payloadOf(written: string, text: string): { readonly payload: string } | { readonly payload_b64: string } {
  if (written === 'text') return { payload: text };
  const packed = text.replaceAll(/\s+/g, '');
  if (written === 'base64') {
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) throw new Error('This is not base64.');
    return { payload_b64: packed };
  }
  if (!/^([0-9a-f]{2})*$/i.test(packed)) throw new Error('This is not hex: two digits for each byte.');
  return { payload_b64: btoa(String.fromCodePoint(...(packed.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)))) };
}
