import { parseJson } from './exact-json.ts';
import { SseParser } from './sse.ts';
import { askToken, forgetToken, token } from './token.ts';

const ANSWER_MS = 20_000;

/** An answer that is not a yes, in the gateway's own words. */
export class ApiError extends Error {
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** What the answer says besides, where it is problem details. */
  readonly body: object;

  constructor(status: number, message: string, body: object = {}) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** Nobody gave the token: background requests do not ask again. */
let refused = false;

export function askAgain(): void {
  refused = false;
}

function headers(body: unknown): Record<string, string> {
  const known = token();
  return {
    accept: 'application/json, text/event-stream',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(known === undefined ? {} : { authorization: `Bearer ${known}` }),
  };
}

async function failure(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  try {
    const body = JSON.parse(text) as { title?: string; detail?: string };
    return new ApiError(response.status, body.detail ?? body.title ?? `HTTP ${response.status}`, body);
  } catch {
    return new ApiError(response.status, `HTTP ${response.status} ${response.statusText}`.trim());
  }
}

async function once(path: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(path, { ...init, signal, cache: 'no-store', credentials: 'omit', redirect: 'error' });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'TimeoutError') throw new ApiError(0, 'The gateway did not answer in time.');
    if (signal.aborted) throw error;
    throw new ApiError(0, 'The gateway does not answer.');
  }
}

/** Sends a request; where the token is wanted it is asked for, once. */
async function send(path: string, body: unknown, signal: AbortSignal, mayAsk: boolean): Promise<Response> {
  for (;;) {
    const init: RequestInit = body === undefined ? { headers: headers(body) } : { method: 'POST', headers: headers(body), body: JSON.stringify(body) };
    const response = await once(path, init, signal);
    if (response.ok) return response;
    const error = await failure(response);
    if (response.status !== 401 || (refused && !mayAsk)) throw error;
    const wrong = token() !== undefined;
    forgetToken();
    if ((await askToken(wrong ? error.message : 'The gateway wants its token for this.')) === undefined) {
      refused = true;
      throw error;
    }
    refused = false;
  }
}

function within(signal: AbortSignal | undefined): AbortSignal {
  const late = AbortSignal.timeout(ANSWER_MS);
  return signal === undefined ? late : AbortSignal.any([signal, late]);
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return parseJson(await (await send(path, undefined, within(signal), false)).text()) as T;
}

export async function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return parseJson(await (await send(path, body, within(signal), true)).text()) as T;
}

export interface StreamHandlers {
  /** The server has answered. */
  readonly open?: () => void;
  readonly event: (name: string, data: unknown) => void;
  /** Silent for longer than this, it is given up. */
  readonly idleMs: number;
}

/** Reads one stream to its end, which is always an error: a live stream has none. */
export async function readStream(path: string, handlers: StreamHandlers, signal: AbortSignal): Promise<never> {
  const idle = new AbortController();
  let timer = setTimeout(() => idle.abort(), handlers.idleMs);
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => idle.abort(), handlers.idleMs);
  };
  try {
    const response = await send(path, undefined, AbortSignal.any([signal, idle.signal]), false);
    handlers.open?.();
    const parser = new SseParser();
    const reader = (response.body ?? new ReadableStream<Uint8Array<ArrayBuffer>>()).pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new ApiError(0, 'The gateway has ended the connection.');
      alive();
      for (const { name, data } of parser.feed(value)) handlers.event(name, parseJson(data));
    }
  } catch (error) {
    if (signal.aborted || error instanceof ApiError) throw error;
    throw new ApiError(0, idle.signal.aborted ? 'The gateway has gone silent.' : 'The connection to the gateway was lost.');
  } finally {
    clearTimeout(timer);
  }
}

/** Calls `work` again and again, `everyMs` after each answer, while the tab is seen; stops with the signal. */
export function repeat(everyMs: number, signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  const next = (): void => {
    clearTimeout(timer);
    if (signal.aborted || running) return;
    if (document.hidden) {
      document.addEventListener('visibilitychange', next, { once: true, signal });
      return;
    }
    running = true;
    work(signal)
      .catch(() => {})
      .finally(() => {
        running = false;
        if (!signal.aborted) timer = setTimeout(next, everyMs);
      });
  };
  signal.addEventListener('abort', () => clearTimeout(timer));
  next();
  return next;
}
