import { FAULTS } from '../domain/fault.ts';
import { FLAGS } from '../domain/flags.ts';
import { TAP_OUTCOMES } from '../pipeline/tap-hub.ts';
import { SORTS } from './device-list.ts';
import { choice, FLAG, listOf, NUMBER, ref, type Schema, TEXT } from './openapi-parts.ts';

/** One path and method, as `docs/api.md` and the OpenAPI document tell them. */
export interface DescribedRoute {
  readonly method: 'GET' | 'POST';
  /** With `{name}` for what varies. */
  readonly path: string;
  readonly summary: string;
  readonly query?: readonly (readonly [name: string, schema: Schema, description: string])[];
  readonly body?: Schema;
  /** Media type of the answer; JSON where absent. */
  readonly type?: string;
  readonly answer: Schema;
  /** Statuses besides 200 with their own meaning. */
  readonly others?: Readonly<Record<number, string>>;
  /** Needs the token on loopback too. */
  readonly changes?: true;
}

const SSE = 'text/event-stream';
const BUSY = { 503: 'There are 32 streams already; `Retry-After` says when to try again.' };
const WRONG = { 400: 'The query or the body is wrong; `detail` says what.' };
const DESK = { 409: 'Another request reads the dead letters.', 503: 'The broker is away, or refuses.' };
const texts: Schema = { anyOf: [TEXT, listOf(TEXT)] };
const integer = (minimum: number, maximum: number, byDefault?: number): Schema => ({
  type: 'integer',
  minimum,
  maximum,
  ...(byDefault === undefined ? {} : { default: byDefault }),
});

const LETTER_FILTERS = [
  ['id', texts, 'Ids.'],
  ['code', texts, 'Fault codes.'],
  ['stage', texts, 'Stages.'],
  ['route', texts, 'Routes.'],
  ['device', TEXT, 'Device.'],
  ['topic', TEXT, 'MQTT topic filter.'],
  ['where', TEXT, 'CEL expression over the letter.'],
  ['since', TEXT, 'ISO 8601 time, or an age such as `2h`.'],
  ['until', TEXT, 'ISO 8601 time, or an age such as `2h`.'],
] as const;
const CHANGE = { all: FLAG, dryRun: FLAG, limit: integer(1, 10_000_000, 1000) };

function bodyOf(properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema {
  return { type: 'object', properties, required, additionalProperties: false };
}

const LETTERS = Object.fromEntries(LETTER_FILTERS.map(([name, schema, description]) => [name, { ...schema, description }]));

/** Every path of the gateway's HTTP server. */
export const ROUTES: readonly DescribedRoute[] = [
  {
    method: 'GET',
    path: '/livez',
    summary: 'Is the process alive',
    answer: { type: 'object', properties: { status: { const: 'alive' } }, required: ['status'] },
  },
  {
    method: 'GET',
    path: '/readyz',
    summary: 'Does it forward everything, and if not, why',
    answer: ref('Readiness'),
    others: { 503: 'It does not: the same, with `ready` false.' },
  },
  { method: 'GET', path: '/status', summary: 'Ledger, lanes, sessions, rates', answer: ref('Status') },
  { method: 'GET', path: '/metrics', summary: 'For Prometheus', type: 'text/plain', answer: TEXT },
  { method: 'GET', path: '/', summary: 'A page with links', type: 'text/html', answer: TEXT },
  { method: 'GET', path: '/api/openapi.json', summary: 'This description', answer: ref('OpenApi') },
  { method: 'GET', path: '/api/live', summary: 'What happens, one event `live` a second', type: SSE, answer: ref('Live'), others: { ...WRONG, ...BUSY } },
  { method: 'GET', path: '/api/history', summary: 'The plots of the last ten minutes', answer: ref('History') },
  {
    method: 'GET',
    path: '/api/devices',
    summary: 'Devices that were seen since the start',
    query: [
      ['search', TEXT, 'Part of the name or of a topic, in any case.'],
      ['profile', TEXT, 'Of the last reading.'],
      ['flag', choice(...FLAGS), 'Had readings with this flag.'],
      ['silent', choice('true', 'false'), 'Silent now, or not.'],
      ['sort', choice(...SORTS), 'The last seen first where left out.'],
      ['order', choice('asc', 'desc'), 'The largest first where left out, names from A.'],
      ['limit', integer(1, 1000, 100), 'Most devices in the answer.'],
      ['offset', integer(0, 10_000_000, 0), 'Leave out so many.'],
    ],
    answer: ref('Devices'),
    others: WRONG,
  },
  { method: 'GET', path: '/api/devices/summary', summary: 'Numbers over all devices, and those that stand out', answer: ref('DeviceSummary') },
  {
    method: 'GET',
    path: '/api/devices/{device}',
    summary: 'One device with its history',
    answer: ref('DeviceDetail'),
    others: { 404: 'It was not seen since the start, or made room for others.' },
  },
  {
    method: 'GET',
    path: '/api/tap',
    summary: 'Messages as they pass, one event `message` each; `skipped` counts what was left out for the rate or a slow reader',
    query: [
      ['device', TEXT, 'With a reading of this device.'],
      ['topic', TEXT, 'MQTT topic filter.'],
      ['route', TEXT, 'With a reading that this route takes, drops or fails at.'],
      ['outcome', choice(...TAP_OUTCOMES), '`dead-lettered`: the message, or a reading of it.'],
      ['code', choice(...Object.keys(FAULTS)), 'With this fault.'],
      ['rate', integer(1, 200, 20), 'Most events a second.'],
    ],
    type: SSE,
    answer: { anyOf: [ref('TapMessage'), ref('TapSkipped')] },
    others: { ...WRONG, ...BUSY },
  },
  {
    method: 'POST',
    path: '/api/explain',
    summary: 'What would become of a message under the settings in force; changes nothing',
    body: bodyOf({ topic: TEXT, payload: TEXT, payload_b64: TEXT, contentType: TEXT, contentEncoding: TEXT }, ['topic']),
    answer: ref('Explanation'),
    others: { ...WRONG, 413: 'The body is longer than 4 MiB.' },
  },
  { method: 'GET', path: '/api/config', summary: 'The settings in force, without secrets', answer: ref('Config') },
  {
    method: 'POST',
    path: '/config/reload',
    summary: 'Read the settings again, and take them over where they are good; with `dryRun` only say what would change',
    body: bodyOf({ dryRun: FLAG }),
    answer: ref('Reload'),
    others: { ...WRONG, 422: 'Refused, and the settings of before stay in force; the problem has the members of the report too.' },
    changes: true,
  },
  {
    method: 'GET',
    path: '/api/dead-letters',
    summary: 'Dead letters; looking takes nothing away',
    query: [...LETTER_FILTERS, ['limit', integer(1, 1000, 100), 'Most letters in the answer.'], ['offset', integer(0, 10_000_000, 0), 'Leave out so many.']],
    answer: ref('DeadLetters'),
    others: { ...WRONG, ...DESK },
  },
  {
    method: 'GET',
    path: '/api/dead-letters/{id}',
    summary: 'One dead letter with its payload',
    answer: ref('DeadLetterPayload'),
    others: { 404: 'There is none of this id, or another reader holds it.', ...DESK },
  },
  {
    method: 'POST',
    path: '/api/dead-letters/replay',
    summary: 'Send dead letters through again',
    body: bodyOf({ ...LETTERS, ...CHANGE, rate: NUMBER, maxReplays: integer(0, 10_000_000, 3), force: FLAG, whole: FLAG }),
    answer: ref('DeadLetterChanges'),
    others: { ...WRONG, ...DESK },
    changes: true,
  },
  {
    method: 'POST',
    path: '/api/dead-letters/drop',
    summary: 'Remove dead letters for good',
    body: bodyOf({ ...LETTERS, ...CHANGE }),
    answer: ref('DeadLetterChanges'),
    others: { ...WRONG, ...DESK },
    changes: true,
  },
];
