import { hintFor } from '../suggest.ts';
import { BUILT_IN, type Entry, type Lint, type PublishRoute } from './context.ts';

type Path = Entry<unknown>['at'];

/** Exchanges, queues and bindings, and whether what the routes publish can arrive anywhere. */
export function lintTopology(lint: Lint): void {
  const exchangeNames = lint.names('exchanges').map((n) => n.value);
  const reachable = [...exchangeNames, lint.raw.deadLetters?.exchange ?? ''];
  for (const { at, value: queue } of lint.queues) {
    queueArguments(lint, at, queue);
    for (const [i, binding] of queue.bindings.entries()) {
      const { exchange } = binding;
      const path = [...at, 'bindings', i, 'exchange'];
      if (!reachable.includes(exchange) && !BUILT_IN.has(exchange)) {
        lint.error(path, `exchange "${exchange}" is not declared`, hintFor(exchange, exchangeNames));
      }
    }
  }
  for (const { at, value } of lint.exchanges) {
    const { alternateExchange } = value;
    if (value.arguments !== undefined && Object.hasOwn(value.arguments, 'alternate-exchange')) {
      lint.error([...at, 'arguments', 'alternate-exchange'], '`alternate-exchange` has a key of its own', 'use `alternateExchange`');
    }
    if (alternateExchange !== undefined && !reachable.includes(alternateExchange) && !BUILT_IN.has(alternateExchange)) {
      lint.warn([...at, 'alternateExchange'], `exchange "${alternateExchange}" is not declared here`, hintFor(alternateExchange, exchangeNames));
    }
  }
  ownNames(lint);
  for (const { at, value: route } of lint.publishing()) {
    if (!exchangeNames.includes(route.exchange) && !BUILT_IN.has(route.exchange)) {
      lint.warn(
        [...at, 'exchange'],
        `exchange "${route.exchange}" is not declared here: if the broker does not have it, readings are held`,
        hintFor(route.exchange, exchangeNames),
      );
    } else if (!lint.failedAt(['exchanges']) && !lint.failedAt(['queues'])) arrives(lint, at, route);
  }
}

function queueArguments(lint: Lint, at: Path, queue: Lint['queues'][number]['value']): void {
  if (queue.type === 'quorum') {
    if (!queue.durable) lint.error([...at, 'durable'], 'a quorum queue is always durable; the broker refuses this', 'use `type: classic`');
    if (queue.maxPriority !== undefined) lint.error([...at, 'maxPriority'], 'a quorum queue has no priorities; the broker refuses this', 'use `type: classic`');
  }
  if (queue.maxLength === undefined && queue.maxBytes === undefined && lint.written([...at, 'overflow'])) {
    lint.warn([...at, 'overflow'], 'has no effect without `maxLength` or `maxBytes`');
  }
  const own: Readonly<Record<string, string>> = {
    'x-queue-type': 'type',
    'x-max-priority': 'maxPriority',
    'x-message-ttl': 'messageTtlMs',
    'x-max-length': 'maxLength',
    'x-max-length-bytes': 'maxBytes',
    'x-overflow': 'overflow',
  };
  for (const name of Object.keys(queue.arguments ?? {})) {
    if (Object.hasOwn(own, name)) lint.error([...at, 'arguments', name], `\`${name}\` has a key of its own`, `use \`${own[name] ?? ''}\``);
  }
}

/** Two declarations of one name would be refused by the broker (406), or one would win without a word. */
function ownNames(lint: Lint): void {
  const { source, deadLetters } = lint.raw;
  for (const { at, value } of lint.names('queues')) {
    if (value === source?.queue) lint.error(at, `queue "${value}" is the source queue already`, 'forwarding into the source would go round for ever');
    else if (value === deadLetters?.queue) lint.error(at, `queue "${value}" is the queue of the dead letters already`, 'it is declared by itself');
  }
  for (const { at, value } of lint.names('exchanges')) {
    if (value === deadLetters?.exchange) lint.error(at, `exchange "${value}" is the exchange of the dead letters already`, 'it is declared by itself');
  }
  if (source?.queue !== undefined && source.queue === deadLetters?.queue) {
    lint.error(['deadLetters', 'queue'], 'is the source queue: dead letters would be read again for ever');
  }
}

/** A confirmed route whose messages no queue takes holds the gateway for ever. */
function arrives(lint: Lint, at: Path, route: PublishRoute): void {
  const declared = lint.exchanges.find(({ value }) => value.name === route.exchange)?.value;
  const type = declared?.type ?? BUILT_IN.get(route.exchange);
  if (type === 'headers' && Object.keys(route.headers ?? {}).length === 0) {
    lint.warn([...at, 'exchange'], `"${route.exchange}" is a headers exchange, and the rule sets no headers to go by`);
  }
  // Consumers of live taps bind queues of their own; amq.* and alternate exchanges have bindings that are not ours to know.
  if (route.delivery === 'best-effort' || declared === undefined || declared.alternateExchange !== undefined) return;
  const takers = lint.queues.flatMap(({ value }) => value.bindings.filter((b) => b.exchange === route.exchange).map((binding) => ({ queue: value, binding })));
  if (takers.length === 0) {
    lint.warn([...at, 'exchange'], `no queue here is bound to "${route.exchange}": without another binding, readings are held`, 'bind a queue to it');
    return;
  }
  const literal = !/[{}]/.test(route.routingKey);
  const reached = takers.filter(
    ({ binding }) =>
      !literal || (type === 'direct' ? binding.routingKey === route.routingKey : type !== 'topic' || topicMatches(binding.routingKey, route.routingKey)),
  );
  if (reached.length === 0) {
    const keys = [...new Set(takers.map(({ binding }) => binding.routingKey))].join(', ');
    lint.warn([...at, 'routingKey'], `no queue here is bound to "${route.exchange}" for routing key "${route.routingKey}"`, `bound are: ${keys}`);
  }
  if (route.priority !== undefined && reached.length > 0 && !reached.some(({ queue }) => queue.maxPriority !== undefined)) {
    lint.warn([...at, 'priority'], `no queue behind "${route.exchange}" has \`maxPriority\`, so the priority has no effect`);
  }
}

/** Topic exchange (AMQP 0-9-1, 3.1.3.3): `*` is one word, `#` any number. */
export function topicMatches(bindingKey: string, routingKey: string): boolean {
  const pattern = bindingKey.split('.');
  const words = routingKey === '' ? [] : routingKey.split('.');
  // Which prefixes of the pattern match the words so far: linear in words times pattern, whatever the number of `#`.
  let states = closure(new Set([0]), pattern);
  for (const word of words) {
    const next = new Set<number>();
    for (const state of states) {
      if (pattern[state] === '#') next.add(state);
      else if (pattern[state] === '*' || pattern[state] === word) next.add(state + 1);
    }
    states = closure(next, pattern);
  }
  return states.has(pattern.length) || (bindingKey === '' && routingKey === '');
}

function closure(states: Set<number>, pattern: readonly string[]): Set<number> {
  for (const state of states) if (pattern[state] === '#') states.add(state + 1);
  return states;
}
