import { type Letter, replayOf, type ReplayRules, skipReason } from '../domain/letter.ts';
import type { InboundMessage } from '../domain/message.ts';
import { type MessagePlan, planEnded, planMessage } from './message-plan.ts';
import type { Rules } from './rules.ts';

/** What would become of a letter that is replayed now. */
export type LetterPlan = Omit<MessagePlan, 'outcome'> & {
  /** `skipped`: it would not be replayed at all, and `code` says why. */
  readonly outcome: MessagePlan['outcome'] | 'skipped';
};

/**
 * Runs letters through the rules of today and sends nothing. The rules have a normaliser of their own: codecs with a memory
 * (Sparkplug) know no births there, so that for them the gateway may do better than is said.
 */
export class LetterPlanner {
  private readonly rules: () => Omit<Rules, 'config'>;
  private readonly now: () => number;

  constructor(rules: () => Omit<Rules, 'config'>, now: () => number) {
    this.rules = rules;
    this.now = now;
  }

  plan(letter: Letter, body: Buffer, rules: ReplayRules): LetterPlan {
    const skip = skipReason(letter, rules);
    if (skip !== undefined) return planEnded('skipped', skip);
    const replay = replayOf(letter, rules);
    const { topic, routingKey, contentType, contentEncoding, qos } = letter;
    const receivedAt = letter.receivedAt ?? letter.buriedAt ?? this.now();
    const message: InboundMessage = { topic, routingKey, body, receivedAt, contentType, contentEncoding, redelivered: false, deliveryCount: 0, qos, replay };
    return planMessage(this.rules(), message);
  }
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
