import { printable } from './problems.ts';
import { CommandError, EXIT } from './command.ts';
import { type ServerEvent, serverEvents } from './event-stream.ts';

export const DEFAULT_GATEWAY = 'http://127.0.0.1:9600';
/** For the head of an answer. */
const ANSWER_MS = 10_000;

/** Asks a gateway over HTTP. What the gateway or the network refuses is a `CommandError` that says what to do. */
export class GatewayClient {
  private readonly verb: string;
  private readonly url: URL;
  private readonly token: string | undefined;

  /** `verb`: who asks, for messages. */
  constructor(verb: string, url: string, token: string | undefined) {
    this.verb = verb;
    this.token = token;
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) throw this.problem(EXIT.usage, `--url: ${JSON.stringify(url)} is not an http:// address`);
    this.url = parsed;
  }

  async get(path: string, signal: AbortSignal): Promise<string> {
    return await (await this.ask(path, { signal })).text();
  }

  async post(path: string, body: object, signal: AbortSignal): Promise<string> {
    const answer = await this.ask(path, { signal, method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
    return await answer.text();
  }

  /** Events until `signal` aborts. A stream that the gateway ends is a `CommandError`. */
  async *events(path: string, signal: AbortSignal): AsyncGenerator<ServerEvent, undefined> {
    const answer = await this.ask(path, { signal });
    if (answer.body === null || answer.headers.get('content-type')?.startsWith('text/event-stream') !== true) throw this.stranger(path);
    // The abort of a fetch whose answer has begun did not get through once (Node.js 20.20, under load): so the reader is told as well.
    const reader = answer.body.getReader();
    const end = (): void => void reader.cancel().catch(() => {});
    signal.addEventListener('abort', end);
    try {
      if (!signal.aborted) yield* serverEvents(chunksOf(reader));
    } catch (error) {
      if (signal.aborted) return;
      throw this.problem(EXIT.unavailable, `the connection to the gateway at ${this.url.origin} was lost: ${reasonOf(error)}`);
    } finally {
      signal.removeEventListener('abort', end);
      end();
    }
    if (!signal.aborted) throw this.problem(EXIT.unavailable, `the gateway at ${this.url.origin} has ended the stream: it stops, or restarts`);
  }

  private async ask(
    path: string,
    init: { readonly signal: AbortSignal; readonly method?: string; readonly body?: string; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Response> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ANSWER_MS);
    try {
      const headers = { ...init.headers, ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }) };
      // A path of the API goes behind that of the address: a proxy may serve several gateways.
      const url = new URL(this.url.pathname.replace(/\/$/, '') + path, this.url);
      const answer = await fetch(url, { ...init, headers, redirect: 'error', signal: AbortSignal.any([init.signal, late.signal]) });
      // From here on only the caller ends it.
      if (answer.ok) return answer;
      throw await this.refusal(path, answer);
    } catch (error) {
      if (error instanceof CommandError || init.signal.aborted) throw error;
      const reason = late.signal.aborted ? `no answer within ${ANSWER_MS / 1000} s` : reasonOf(error);
      throw this.problem(
        EXIT.unavailable,
        `no gateway answers at ${this.url.origin} (${reason}). Is it running, and is this its http.host and http.port? Else give --url`,
      );
    } finally {
      clearTimeout(timer);
    }
  }

  private async refusal(path: string, answer: Response): Promise<CommandError> {
    if (answer.headers.get('content-type')?.startsWith('application/problem+json') !== true) return this.stranger(path);
    const { detail, status } = (await answer.json()) as { detail?: unknown; status?: unknown };
    const text = printable(String(detail));
    if (status === 401)
      return this.problem(EXIT.unavailable, `the gateway wants a token: give the value of its http.token by --token or SLUICE_HTTP_TOKEN (${text})`);
    if (status === 404 && text.startsWith('There is nothing at ')) return this.stranger(path);
    return this.problem(status === 400 ? EXIT.usage : EXIT.unavailable, `the gateway refuses (${answer.status}): ${text}`);
  }

  private stranger(path: string): CommandError {
    return this.problem(
      EXIT.unavailable,
      `what answers at ${this.url.origin} is not a gateway, or an older one: it has no ${path.split('?', 1)[0]}. Look at --url`,
    );
  }

  private problem(exitCode: number, text: string): CommandError {
    return new CommandError(exitCode, `${this.verb}: ${text}`);
  }
}

async function* chunksOf(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array, undefined> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** `fetch` says "fetch failed"; the reason is below. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'ECONNREFUSED') return 'connection refused';
  return printable(cause instanceof Error && cause.message !== '' ? cause.message : code === '' ? String(cause) : code);
}
