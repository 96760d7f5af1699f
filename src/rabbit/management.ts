import type { SeenBinding } from './binding-watch.ts';
import { ManagementApi, queuePath } from './management-api.ts';
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

type BindingAnswer = readonly { readonly source: string; readonly routing_key: string }[];

/** But that of the default exchange. */
function bindingsOf(answer: BindingAnswer): SeenBinding[] {
  return answer.filter(({ source }) => source !== '').map(({ source, routing_key }) => ({ source, routingKey: routing_key }));
}

/** What the queue is bound to now; nothing where there is no such queue. In words why it cannot be told. One request; never rejects. */
export async function readBindings(url: string, vhost: string, queue: string, timeoutMs: number): Promise<readonly SeenBinding[] | string> {
  const answer = await new ManagementApi(url, timeoutMs).get<BindingAnswer>(`${queuePath(vhost, queue)}/bindings`);
  if (answer.ok) return bindingsOf(answer.value);
  return answer.status === 404 ? [] : answer.text;
}

/** Reads over HTTP what concerns the queue. Never rejects. `url`: as `ManagementApi` takes it. */
export async function readManagement(url: string, vhost: string, queue: string, timeoutMs: number): Promise<ManagementFacts> {
  const api = new ManagementApi(url, timeoutMs);
  const failures = new Set<string>();
  const get = async <T>(path: string): Promise<T | undefined> => {
    const answer = await api.get<T>(path);
    if (answer.ok) return answer.value;
    failures.add(answer.text);
    return undefined;
  };
  const where = queuePath(vhost, queue);
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
