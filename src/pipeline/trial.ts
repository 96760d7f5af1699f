import { encodeReading } from '../codec/reading.ts';
import type { InboundMessage } from '../domain/message.ts';
import { type MessagePlan, planMessage } from './message-plan.ts';
import type { Rules } from './rules.ts';

/** Messages that fare differently in one way. */
export interface TrialChange {
  /** `forwarded to alarms, readings`, `filtered ignored`, `dead-lettered NO_ROUTE`. */
  readonly from: string;
  readonly to: string;
  readonly messages: number;
  /** Topic of the first of them. */
  readonly topic: string;
}

/** What other settings would have made of the last messages. */
export interface TrialSummary {
  readonly messages: number;
  readonly same: number;
  /** Most frequent first, at most 50. */
  readonly changes: readonly TrialChange[];
}

const MOST_CHANGES = 50;

/**
 * Tries messages on two sets of rules and counts what changes. Both must be detached: nothing they learn or command may
 * reach the gateway's own. Give them the messages in the order in which they came: codecs with a memory need it.
 */
export class Trial {
  private readonly before: Rules;
  private readonly after: Rules;
  private readonly changes = new Map<string, { from: string; to: string; messages: number; topic: string }>();
  private messages = 0;
  private same = 0;

  constructor(before: Rules, after: Rules) {
    this.before = before;
    this.after = after;
  }

  add(message: InboundMessage): void {
    this.messages += 1;
    const [before, after] = [outcomeOf(this.before, message), outcomeOf(this.after, message)];
    if (before.content === after.content && before.label === after.label) {
      this.same += 1;
      return;
    }
    const to = before.label === after.label ? `${after.label}, with other content` : after.label;
    const key = `${before.label}\n${to}`;
    const change = this.changes.get(key);
    if (change === undefined) this.changes.set(key, { from: before.label, to, messages: 1, topic: message.topic });
    else change.messages += 1;
  }

  summary(): TrialSummary {
    const changes = [...this.changes.values()].sort((a, b) => b.messages - a.messages).slice(0, MOST_CHANGES);
    return { messages: this.messages, same: this.same, changes };
  }
}

function outcomeOf(rules: Rules, message: InboundMessage): { readonly label: string; readonly content: string } {
  let content = '';
  const plan = planMessage(rules, message, (reading, { takers }) => {
    content += encodeReading(reading);
    for (const { exchange, routingKey, headers } of takers) content += JSON.stringify([exchange, routingKey, headers]);
  });
  return { label: labelOf(plan), content };
}

function labelOf({ outcome, code, routes }: MessagePlan): string {
  return outcome === 'forwarded' ? `forwarded to ${Object.keys(routes).sort().join(', ')}` : `${outcome} ${code ?? ''}`;
}
