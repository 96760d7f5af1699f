import { splitUrls } from '../domain/broker-url.ts';
import type { Shape } from './shape.ts';
import { nearest } from './suggest.ts';

export interface ScalarProblem {
  readonly message: string;
  readonly hint?: string;
}

/** Why a text does not fit, or undefined. `quotable`: the message may show it. */
export function checkText(shape: Shape, text: string, quotable: boolean): ScalarProblem | undefined {
  const got = quotable ? `, not ${JSON.stringify(text)}` : '';
  if (shape.enum !== undefined) {
    if (shape.enum.includes(text)) return undefined;
    const meant = quotable ? nearest(text, shape.enum) : undefined;
    const message = `must be ${shape.enum.length > 1 ? 'one of ' : ''}${shape.enum.join(', ')}${got}`;
    return meant === undefined ? { message } : { message, hint: `did you mean "${meant}"?` };
  }
  if (text === '' && (shape.minLength ?? 0) > 0) return { message: 'must not be empty' };
  if (shape.maxLength !== undefined && text.length > shape.maxLength)
    return { message: `must not be longer than ${shape.maxLength} characters, is ${text.length}` };
  const bytes = Buffer.byteLength(text);
  if (shape.maxBytes !== undefined && bytes > shape.maxBytes) return { message: `must not be longer than ${shape.maxBytes} bytes in UTF-8, is ${bytes}` };
  if (shape.pattern !== undefined && !new RegExp(shape.pattern, 'u').test(text)) return { message: `must match ${shape.pattern}${got}` };
  // An empty text that has no minimum stands for nothing: `${NAME:-}`.
  if (shape.form === undefined || text === '') return undefined;
  if (shape.form !== 'amqp-urls') return checkUrl(text, shape.form);
  const urls = splitUrls(text);
  const problems = urls.map((url) => checkUrl(url, 'amqp-url'));
  const first = problems.findIndex((problem) => problem !== undefined);
  const problem = problems[first];
  return problem === undefined || urls.length === 1 ? problem : { ...problem, message: `URL ${first + 1} of ${urls.length} ${problem.message}` };
}

const URL_FORMS = {
  'amqp-url': { schemes: ['amqp', 'amqps'], example: 'amqp://user:password@host:5672/vhost' },
  'http-url': { schemes: ['http', 'https'], example: 'http://user:password@host:15672' },
} as const;

/** Never shows the text: it holds the password. */
function checkUrl(text: string, form: keyof typeof URL_FORMS): ScalarProblem | undefined {
  const { schemes, example } = URL_FORMS[form];
  if (!URL.canParse(text)) return { message: 'is not a URL', hint: `${example}; special characters in the password are percent-encoded` };
  const url = new URL(text);
  if (!schemes.some((scheme) => url.protocol === `${scheme}:`)) return { message: `must begin with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}` };
  if (url.hostname === '') return { message: 'names no host' };
  // Schemes that are not the web's allow it.
  if (url.hostname.includes(',')) return { message: 'has a comma in its host', hint: 'give each node a URL of its own' };
  // amqplib would take heartbeat, channelMax and frameMax from the query, past the bounds of the settings.
  if (url.search !== '' || url.hash !== '') {
    const message = 'must not have a query or a fragment';
    return form === 'amqp-url' ? { message, hint: 'the heartbeat is `heartbeatSeconds`' } : { message };
  }
  for (const part of [url.username, url.password, url.pathname]) {
    try {
      decodeURIComponent(part);
    } catch {
      return { message: 'has a % that begins no percent-encoding', hint: 'write %25 for a percent sign' };
    }
  }
  return undefined;
}

export function checkNumber(shape: Shape, value: number, quotable: boolean): ScalarProblem | undefined {
  const got = quotable ? `, is ${value}` : '';
  if (!Number.isFinite(value)) return { message: 'must be a finite number' };
  if (shape.type === 'integer' && !Number.isSafeInteger(value)) return { message: `must be a whole number${got}` };
  if (shape.minimum !== undefined && value < shape.minimum) return { message: `must be at least ${shape.minimum}${got}` };
  if (shape.maximum !== undefined && value > shape.maximum) return { message: `must be at most ${shape.maximum}${got}` };
  return undefined;
}

/** A number as the core schema of YAML 1.2 writes it; undefined when it is none. */
export function readNumber(text: string): number | undefined {
  return /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/.test(text) ? Number(text) : undefined;
}

/** What YAML 1.2 makes of a text without quotes. */
export function readScalar(text: string): string | number | boolean {
  if (/^(true|True|TRUE)$/.test(text)) return true;
  if (/^(false|False|FALSE)$/.test(text)) return false;
  return readNumber(text) ?? text;
}
