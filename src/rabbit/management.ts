import type { SeenBinding } from './binding-watch.ts';
import { messageOf } from './reasons.ts';
import type { AmqpArguments } from './topology.ts';

/** What the management API tells that AMQP does not. What the account may not see is undefined. */
export interface ManagementFacts {
  readonly plugins: readonly string[] | undefined;
  readonly arguments: AmqpArguments | undefined;
  readonly durable: boolean | undefined;
  readonly policy: AmqpArguments;
  /** Bindings but that of the default exchange. */
  readonly bindings: readonly SeenBinding[] | undefined;
  /** Resource alarms that hold now. */
  readonly alarms: readonly string[];
  /** What could not be read, a line each. */
  readonly failures: readonly string[];
}

interface QueueAnswer {
  readonly arguments?: AmqpArguments;
  readonly durable?: boolean;
  readonly effective_policy_definition?: AmqpArguments;
}

interface NodeAnswer {
  readonly name: string;
  readonly enabled_plugins?: readonly string[];
  readonly mem_alarm?: boolean;
  readonly disk_free_alarm?: boolean;
}

/** An answer of the management API, or why there is none. */
type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly status: number | undefined; readonly reason: string };
type Ask = <T>(path: string) => Promise<Answer<T>>;

/** How to ask; never rejects. `url`: `http://user:password@host:15672`, also with a path before `/api`. */
function asking(url: string, timeoutMs: number): Ask {
  const base = new URL(url);
  // fetch refuses URLs with credentials.
  const user = decodeURIComponent(base.username);
  const password = decodeURIComponent(base.password);
  base.username = '';
  base.password = '';
  const headers = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
  return async <T>(path: string): Promise<Answer<T>> => {
    try {
      const response = await fetch(`${base.href.replace(/\/$/, '')}/api/${path}`, { headers, signal: AbortSignal.timeout(timeoutMs) });
      if (response.ok) return { ok: true, value: (await response.json()) as T };
      await response.body?.cancel();
      return { ok: false, status: response.status, reason: `the management API answers ${response.status} to /api/${path}${advice(response.status)}` };
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      return { ok: false, status: undefined, reason: `the management API at ${base.origin} does not answer: ${messageOf(cause, password)}` };
    }
  };
}

function pathOf(vhost: string, queue: string): string {
  return `queues/${encodeURIComponent(vhost)}/${encodeURIComponent(queue)}`;
}

type BindingAnswer = readonly { readonly source: string; readonly routing_key: string }[];

/** But that of the default exchange. */
function bindingsOf(answer: BindingAnswer): SeenBinding[] {
  return answer.filter(({ source }) => source !== '').map(({ source, routing_key }) => ({ source, routingKey: routing_key }));
}

/** What the queue is bound to now; nothing where there is no such queue. In words why it cannot be told. One request; never rejects. */
export async function readBindings(url: string, vhost: string, queue: string, timeoutMs: number): Promise<readonly SeenBinding[] | string> {
  const answer = await asking(url, timeoutMs)<BindingAnswer>(`${pathOf(vhost, queue)}/bindings`);
  if (answer.ok) return bindingsOf(answer.value);
  return answer.status === 404 ? [] : answer.reason;
}

/** Reads over HTTP what concerns the queue. Never rejects. */
export async function readManagement(url: string, vhost: string, queue: string, timeoutMs: number): Promise<ManagementFacts> {
  const ask = asking(url, timeoutMs);
  const failures = new Set<string>();
  const get = async <T>(path: string): Promise<T | undefined> => {
    const answer = await ask<T>(path);
    if (answer.ok) return answer.value;
    failures.add(answer.reason);
    return undefined;
  };
  const where = pathOf(vhost, queue);
  const [found, bindings, nodes] = await Promise.all([get<QueueAnswer>(where), get<BindingAnswer>(`${where}/bindings`), get<NodeAnswer[]>('nodes')]);
  const plugins = [...new Set((nodes ?? []).flatMap((node) => node.enabled_plugins ?? []))].sort();
  return {
    // A list without the plugin that answers is not there yet: nodes report only seconds after their start.
    plugins: plugins.includes('rabbitmq_management') ? plugins : undefined,
    arguments: found?.arguments,
    durable: found?.durable,
    policy: found?.effective_policy_definition ?? {},
    bindings: bindings === undefined ? undefined : bindingsOf(bindings),
    alarms: (nodes ?? []).flatMap((node) => [
      ...(node.mem_alarm === true ? [`memory alarm on ${node.name}`] : []),
      ...(node.disk_free_alarm === true ? [`disk alarm on ${node.name}`] : []),
    ]),
    failures: [...failures],
  };
}

function advice(status: number): string {
  if (status === 401) return '. Give user and password in rabbitmq.management; the user needs the tag monitoring';
  return status === 403 ? '. The user needs the tag monitoring and a permission on the virtual host' : '';
}
