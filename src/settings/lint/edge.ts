import { topicFilterProblem } from '../../domain/topic-template.ts';
import { accessProblems } from '../../edge/access/problems.ts';
import { type Lint, LOOPBACK } from './context.ts';

/** What of the edge does not go together; and routes, which only an edge can do without. */
export function lintEdge(lint: Lint): void {
  if (lint.failedAt(['edge'])) return;
  const { edge, rabbitmq } = lint.raw;
  if (edge.mode !== 'bridge' && !lint.failedAt(['routes']) && lint.raw.routes.length === 0) {
    lint.error(
      ['routes'],
      'holds no rule, so nothing would be forwarded',
      'add one, or say `edge.mode: bridge` for an edge that passes messages on as they are',
    );
  }
  if (edge.mode === 'off') return;
  const ends = (['tcp', 'tls', 'websocket'] as const).filter((name) => edge[name] !== undefined);
  if (ends.length === 0) lint.error(['edge'], 'listens nowhere', 'add `tcp: {}` (port 1883), `tls` or `websocket: {}`');
  if (edge.users.length === 0 && edge.anonymous === undefined) {
    lint.error(['edge', 'users'], 'nobody could connect', 'add a user (`sluice edge password` makes its hash), or let everybody in by name: `anonymous`');
  }
  if (edge.anonymous !== undefined && ends.some((name) => !LOOPBACK.test(edge[name]?.host ?? ''))) {
    lint.warn(['edge', 'anonymous'], 'whoever reaches the port can publish without a name');
  }
  for (const { path, message } of accessProblems(edge)) lint.error(['edge', ...path], message);
  const certified = [edge.tls, edge.websocket?.tls].some((tls) => tls !== undefined && tls.clientCertificates !== 'none');
  for (const [i, user] of edge.users.entries()) {
    if (user.certificateOnly && !certified) lint.warn(['edge', 'users', i], 'can never connect: no listener asks for certificates (`clientCertificates`)');
  }
  for (const at of [['edge', 'tls'] as const, ['edge', 'websocket', 'tls'] as const]) {
    const tls = at.length === 2 ? edge.tls : edge.websocket?.tls;
    if (tls !== undefined && tls.clientCertificates !== 'none' && tls.ca === undefined) {
      lint.error([...at, 'clientCertificates'], 'has no effect without `ca`, which says whose certificates are good');
    }
  }
  for (const [i, filter] of edge.commands.entries()) {
    const problem = topicFilterProblem(filter);
    if (problem !== undefined) lint.error(['edge', 'commands', i], problem);
  }
  if (edge.bridge.inFlightPerTopic > edge.bridge.inFlight) {
    lint.error(['edge', 'bridge', 'inFlightPerTopic'], `is more than \`inFlight\` (${edge.bridge.inFlight})`);
  }
  if (edge.limits.heldBytes < 4 * (edge.limits.packetBytes + 512)) {
    lint.error(['edge', 'limits', 'heldBytes'], `holds fewer than four packets of \`packetBytes\`: give at least ${4 * (edge.limits.packetBytes + 512)}`);
  }
  if (!lint.failedAt(['rabbitmq']) && edge.limits.packetBytes > rabbitmq.maxMessageBytes) {
    lint.error(
      ['edge', 'limits', 'packetBytes'],
      `is more than \`rabbitmq.maxMessageBytes\` (${rabbitmq.maxMessageBytes}): such a packet could never be forwarded`,
    );
  }
}
