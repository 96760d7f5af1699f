import type { Lint } from './context.ts';

/** RabbitMQ closes a channel that holds a delivery longer than `consumer_timeout`: 30 minutes by default. */
const CONSUMER_TIMEOUT_S = 1800;

/** Batches against prefetch, ages against time-outs: bounds that are each fine alone. */
export function lintFlow(lint: Lint): void {
  const { source, rabbitmq, retry } = lint.raw;
  if (!lint.failedAt(['source']) && !lint.failedAt(['rabbitmq'])) {
    for (const { at, value: route } of lint.publishing()) {
      if (route.delivery === 'best-effort') continue;
      prefetchAgainst(lint, at, route.batch.count, route.batch.ageMs, source.prefetch);
      agesOf(lint, at, route, rabbitmq.confirmTimeoutSeconds);
      if (route.batch.bytes > rabbitmq.maxMessageBytes) {
        lint.error(
          [...at, 'batch', 'bytes'],
          `a batch of ${route.batch.bytes} bytes is larger than \`rabbitmq.maxMessageBytes\` (${rabbitmq.maxMessageBytes})`,
        );
      }
      if (route.batch.bytes > rabbitmq.maxInFlightBytes) {
        lint.error(
          [...at, 'batch', 'bytes'],
          `a batch of ${route.batch.bytes} bytes is larger than \`rabbitmq.maxInFlightBytes\` (${rabbitmq.maxInFlightBytes})`,
        );
      }
      if (route.overflow === 'dead-letter' && route.laneReadings < route.batch.count) {
        lint.warn([...at, 'laneReadings'], `is less than one batch (\`batch.count\` ${route.batch.count}), so that a full batch alone overflows`);
      }
      if (route.overflow === 'hold' && lint.written([...at, 'laneReadings'])) {
        lint.warn([...at, 'laneReadings'], 'has no effect with `overflow: hold`: the prefetch is the bound', 'leave it out, or say `overflow: dead-letter`');
      }
    }
  }
  if (!lint.failedAt(['retry']) && retry.capMs < retry.baseMs) lint.error(['retry', 'capMs'], `is below \`retry.baseMs\` (${retry.baseMs})`);
  if (!lint.failedAt(['source']) && source.type === 'quorum' && source.deliveryLimit <= source.maxDeliveries) {
    lint.warn(
      ['source', 'deliveryLimit'],
      `the broker gives up (${source.deliveryLimit}) before the gateway does (\`maxDeliveries\` ${source.maxDeliveries}), so dead letters lack a reason`,
      'make `deliveryLimit` larger than `maxDeliveries`',
    );
  }
  if (!lint.failedAt(['source']) && source.type === 'classic') {
    for (const key of ['maxDeliveries', 'deliveryLimit']) {
      if (lint.written(['source', key])) lint.warn(['source', key], 'has no effect: a classic queue does not count deliveries', 'use `type: quorum`');
    }
  }
  if (!lint.failedAt(['limits']) && !lint.failedAt(['rabbitmq']) && lint.raw.limits.messageBytes > rabbitmq.maxMessageBytes) {
    lint.warn(
      ['limits', 'messageBytes'],
      `a payload may be longer than \`rabbitmq.maxMessageBytes\` (${rabbitmq.maxMessageBytes}), and then cannot even be dead-lettered whole`,
    );
  }
}

function prefetchAgainst(lint: Lint, at: readonly (string | number)[], count: number, ageMs: number, prefetch: number): void {
  // With an age of 0 nobody waits for a batch to fill.
  if (count === 1 || ageMs === 0 || prefetch >= 2 * count) return;
  const path = [...at, 'batch', 'count'];
  const hint = `\`source.prefetch\` of at least ${Math.min(65_535, 2 * count)}, or \`count\` of at most ${Math.max(1, Math.floor(prefetch / 2))}`;
  if (prefetch < count) {
    lint.warn(
      path,
      `with \`source.prefetch\` ${prefetch} a batch of ${count} never fills where a message holds one reading: everything stops for \`ageMs\` (${ageMs}) before each batch`,
      hint,
    );
    return;
  }
  lint.warn(
    path,
    `with \`source.prefetch\` ${prefetch} no second batch of ${count} fills while the first waits for its confirm: it is sealed by age (${ageMs} ms)`,
    hint,
  );
}

function agesOf(
  lint: Lint,
  at: readonly (string | number)[],
  route: { readonly batch: { readonly count: number; readonly ageMs: number }; readonly buryAfterSeconds?: number },
  confirmTimeoutSeconds: number,
): void {
  const ageSeconds = route.batch.count === 1 ? 0 : route.batch.ageMs / 1000;
  const age = [...at, 'batch', 'ageMs'];
  if (ageSeconds >= CONSUMER_TIMEOUT_S) {
    lint.error(
      age,
      "readings would wait longer than the broker's `consumer_timeout` (30 minutes by default): it closes the channel, and the wait begins anew for ever",
    );
  } else if (ageSeconds + confirmTimeoutSeconds >= CONSUMER_TIMEOUT_S / 2) {
    lint.warn(age, "age and `rabbitmq.confirmTimeoutSeconds` together come near the broker's `consumer_timeout` (30 minutes by default)");
  } else if (ageSeconds >= confirmTimeoutSeconds) {
    lint.warn(age, `readings wait for company longer than the broker may take to confirm them (\`rabbitmq.confirmTimeoutSeconds\` ${confirmTimeoutSeconds})`);
  }
  if (route.buryAfterSeconds !== undefined && route.buryAfterSeconds >= CONSUMER_TIMEOUT_S) {
    lint.warn(
      [...at, 'buryAfterSeconds'],
      "the broker's `consumer_timeout` (30 minutes by default) closes the channel first; the messages come again and the time begins anew",
      'stay below 1800, or raise `consumer_timeout` on the broker',
    );
  }
}
