import { messageOf } from './reasons.ts';

/** `status`: of the answer; undefined where there was none. `text`: one line for a person. */
export type ManagementAnswer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly status: number | undefined; readonly text: string };

/** RabbitMQ's management API, read only. `url`: `http://user:password@host:15672`, also with a path before `/api`. */
export class ManagementApi {
  private readonly base: string;
  private readonly origin: string;
  private readonly password: string;
  private readonly headers: Readonly<Record<string, string>>;
  private readonly timeoutMs: number;

  /** `timeoutMs`: for every single answer. */
  constructor(url: string, timeoutMs: number) {
    const base = new URL(url);
    // fetch refuses URLs with credentials.
    const user = decodeURIComponent(base.username);
    this.password = decodeURIComponent(base.password);
    base.username = '';
    base.password = '';
    this.base = base.href.replace(/\/$/, '');
    this.origin = base.origin;
    this.headers = { authorization: `Basic ${Buffer.from(`${user}:${this.password}`).toString('base64')}` };
    this.timeoutMs = timeoutMs;
  }

  /** `path`: behind `/api/`. Never rejects; gives up when `signal` aborts. */
  async get<T>(path: string, signal?: AbortSignal): Promise<ManagementAnswer<T>> {
    const late = AbortSignal.timeout(this.timeoutMs);
    try {
      const response = await fetch(`${this.base}/api/${path}`, {
        headers: this.headers,
        signal: signal === undefined ? late : AbortSignal.any([late, signal]),
      });
      if (response.ok) return { ok: true, value: (await response.json()) as T };
      // Unread bodies would keep their connections busy.
      await response.body?.cancel();
      const { status } = response;
      return { ok: false, status, text: `the management API answers ${status} to /api/${path.replace(/\?.*$/, '')}${advice(status)}` };
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      return { ok: false, status: undefined, text: `the management API at ${this.origin} does not answer: ${messageOf(cause, this.password)}` };
    }
  }
}

function advice(status: number): string {
  if (status === 401) return '. Give user and password in rabbitmq.management; the user needs the tag monitoring';
  return status === 403 ? '. The user needs the tag monitoring and a permission on the virtual host' : '';
}

/** Path of a queue behind `/api/`. */
export function queuePath(vhost: string, queue: string): string {
  return `queues/${encodeURIComponent(vhost)}/${encodeURIComponent(queue)}`;
}
