import { addressOf, splitUrls, vhostOf } from '../domain/broker-url.ts';
import { topicFilterProblem } from '../domain/topic-template.ts';
import { Lint, type LintInput, LOOPBACK } from './lint/context.ts';
import { lintEdge } from './lint/edge.ts';
import { lintFlow } from './lint/flow.ts';
import { lintProfiles } from './lint/profiles.ts';
import { lintRoutes } from './lint/routes.ts';
import { lintTls } from './lint/tls.ts';
import { lintTopology } from './lint/topology.ts';

/** Every rule that looks at more than one key. Adds to `input.problems`; believes no part that has errors already. */
export function lint(input: LintInput): void {
  const lint = new Lint(input);
  duplicates(lint);
  connection(lint);
  lintProfiles(lint);
  lintRoutes(lint);
  lintTopology(lint);
  lintFlow(lint);
  lintEdge(lint);
}

function duplicates(lint: Lint): void {
  for (const list of ['profiles', 'exchanges', 'queues', 'routes'] as const) {
    const first = new Map<string, string>();
    for (const { at, value } of lint.names(list)) {
      const before = first.get(value);
      if (before === undefined) first.set(value, lint.line(at));
      else lint.error(at, `the name "${value}" is taken already (${before})`);
    }
  }
}

/** What is published on one virtual host is not consumed on another: all URLs lead to the same one. */
function nodes(lint: Lint): void {
  const { url = '', urls } = lint.raw.rabbitmq;
  const list = urls ?? splitUrls(url);
  const seen = new Set<string>();
  for (const [i, one] of list.entries()) {
    const at = urls === undefined ? ['rabbitmq', 'url'] : ['rabbitmq', 'urls', i];
    const first = list[0] ?? '';
    if (!URL.canParse(one) || !URL.canParse(first)) return;
    const [vhost, wanted] = [vhostOf(one), vhostOf(first)];
    if (vhost !== wanted)
      lint.error(at, `leads to virtual host ${JSON.stringify(vhost)}, the first URL to ${JSON.stringify(wanted)}`, 'name nodes of one cluster');
    const address = addressOf(one);
    if (seen.has(address)) lint.warn(at, `${address} stands here twice: a node that is away is tried twice before there is a pause`);
    seen.add(address);
  }
}

function connection(lint: Lint): void {
  const { rabbitmq, source, http } = lint.raw;
  if (!lint.failedAt(['rabbitmq'])) {
    if (rabbitmq.url !== undefined && rabbitmq.urls !== undefined) lint.error(['rabbitmq', 'urls'], 'stands beside `url`: one of the two');
    nodes(lint);
    lintTls(lint);
  }
  for (const [i, filter] of (source?.topics ?? []).entries()) {
    const problem = filter === undefined ? undefined : topicFilterProblem(filter);
    if (problem !== undefined) lint.error(['source', 'topics', i], problem);
  }
  if (!lint.failedAt(['http']) && !LOOPBACK.test(http.host)) {
    lint.warn(
      ['http', 'host'],
      `${JSON.stringify(http.host)} is not loopback: whoever reaches the port can read status and metrics`,
      'what is below /api asks for http.token; put something in front that asks for a login for the rest, and for TLS',
    );
  }
}
