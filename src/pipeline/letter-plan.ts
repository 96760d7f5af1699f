import { type Letter, replayOf, type ReplayRules, skipReason } from '../domain/letter.ts';
import type { InboundMessage } from '../domain/message.ts';
import type { Reading } from '../domain/reading.ts';
import type { Normaliser } from './normaliser.ts';
import { readingsInScope, routingInScope } from './replay-scope.ts';
import type { Router } from './router.ts';

/** What would become of a letter that is replayed now. */
export interface LetterPlan {
  /** The worst of its parts, as in the ledger; `skipped`: it would not be replayed at all. */
  readonly outcome: 'forwarded' | 'filtered' | 'dead-lettered' | 'skipped';
  /** Fault code, why it is filtered, or why it is skipped. */
  readonly code: string | undefined;
  readonly message: string | undefined;
  /** Readings that would be sent. */
  readonly readings: number;
  /** Readings by route. */
  readonly routes: Readonly<Record<string, number>>;
}

/**
 * Runs letters through the settings of today and sends nothing. With a normaliser of its own: codecs with a memory
 * (Sparkplug) know no births here, so that for them the gateway may do better than is said.
 */
export class LetterPlanner {
  private readonly normaliser: Pick<Normaliser, 'normalise'>;
  private readonly router: Router;
  private readonly now: () => number;

  constructor(normaliser: Pick<Normaliser, 'normalise'>, router: Router, now: () => number) {
    this.normaliser = normaliser;
    this.router = router;
    this.now = now;
  }

  plan(letter: Letter, body: Buffer, rules: ReplayRules): LetterPlan {
    const skip = skipReason(letter, rules);
    if (skip !== undefined) return ended('skipped', skip);
    const replay = replayOf(letter, rules);
    const { topic, routingKey, contentType, contentEncoding, qos } = letter;
    const receivedAt = letter.receivedAt ?? letter.buriedAt ?? this.now();
    const message: InboundMessage = { topic, routingKey, body, receivedAt, contentType, contentEncoding, redelivered: false, deliveryCount: 0, qos, replay };
    const result = this.normaliser.normalise(message);
    if (result.kind === 'filtered') return ended('filtered', result.reason);
    if (result.kind === 'fault') return ended('dead-lettered', result.fault.code, result.fault.message);
    const readings = readingsInScope(result.readings, replay);
    return 'code' in readings ? ended('dead-lettered', readings.code, readings.message) : this.route(readings, message);
  }

  private route(readings: readonly Reading[], { replay }: InboundMessage): LetterPlan {
    const routes: Record<string, number> = {};
    let sent = 0;
    let dropped: string | undefined;
    let dead: LetterPlan | undefined;
    for (const reading of readings) {
      const routing = routingInScope(this.router.route(reading), replay);
      if (routing.fault !== undefined) dead ??= ended('dead-lettered', routing.fault.code, routing.fault.message);
      else if (routing.droppedBy !== undefined) dropped ??= routing.droppedBy;
      else sent += 1;
      for (const { route } of routing.takers) routes[route] = (routes[route] ?? 0) + 1;
    }
    if (dead !== undefined) return { ...dead, readings: sent, routes };
    if (sent === 0) return ended('filtered', `route ${dropped ?? ''}`);
    return { outcome: 'forwarded', code: undefined, message: undefined, readings: sent, routes };
  }
}

function ended(outcome: LetterPlan['outcome'], code: string, message?: string): LetterPlan {
  return { outcome, code, message, readings: 0, routes: {} };
}

/** What would become of many. */
export class PlanSummary {
  letters = 0;
  readings = 0;
  /** `forwarded`, or outcome and code: `dead-lettered NO_ROUTE`. */
  readonly outcomes: Record<string, number> = {};
  readonly routes: Record<string, number> = {};

  add({ outcome, code, readings, routes }: LetterPlan): void {
    const key = code === undefined ? outcome : `${outcome} ${code}`;
    this.letters += 1;
    this.readings += readings;
    this.outcomes[key] = (this.outcomes[key] ?? 0) + 1;
    for (const [route, count] of Object.entries(routes)) this.routes[route] = (this.routes[route] ?? 0) + count;
  }
}
