import { topicProblem } from '../../domain/topic.ts';
import { covers, filterProblem, type Levels, levelsOf, matches } from '../topic-filter.ts';

/** Filters of what an account may publish to, and hear. `{username}` and `{clientid}` stand for a level or a part of one. */
export interface Rules {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** What RabbitMQ's device accounts are granted (src/rabbit/device-account.ts): one byte more and AMQP consumers of a routing key are near their end. */
export const MOST_TOPIC_BYTES = 200;
const CLIENT_ID = '{clientid}';
const USERNAME = '{username}';

/**
 * The rights of a device account on the broker: publish below its own topics, hear those and its commands. The account
 * `SITE.DEVICE` has those of one device, any other those below its whole name.
 */
export function defaultRules(name: string): Rules {
  const parts = name.split('.');
  const own = parts.length === 2 && parts.every((part) => part !== '') ? parts.join('/') : USERNAME;
  return { publish: [`devices/${own}/+/#`], subscribe: [`devices/${own}/#`, `commands/${own}/#`] };
}

/**
 * Whether a name may stand in a level of a filter: whole levels of its own, wildcards or a leading `$` would widen a rule. U+FFFD is what is left of
 * bytes that were not UTF-8: two such names would be one.
 */
export function isLevelText(text: string): boolean {
  return text !== '' && !/[/+#{}\p{Cc}\p{Cs}\ufffd]|^\$/u.test(text);
}

/** Why a rule is none, as the end of a sentence. `named`: the account has a name. */
export function ruleProblem(filter: string, named: boolean): string | undefined {
  const left = filter.replaceAll(CLIENT_ID, 'x').replaceAll(USERNAME, 'x');
  const stray = /\{[^}]*\}?|\}/.exec(left);
  if (stray !== null) return `holds ${JSON.stringify(stray[0])}; only ${USERNAME} and ${CLIENT_ID} may stand in braces`;
  if (!named && filter.includes(USERNAME)) return `holds ${USERNAME}, and who is anonymous has no name`;
  if (filter.startsWith('$')) return 'begins with $: topics of the broker itself and shared subscriptions are never allowed';
  return filterProblem(left);
}

/** Rules of one account, ready to ask. Those with `{clientid}` are made for each client that asks, the last of which is remembered. */
export class Rights {
  private readonly publish: RuleList;
  private readonly subscribe: RuleList;

  /** Rules that `ruleProblem` refuses allow nothing. */
  constructor(rules: Rules, name: string | undefined) {
    this.publish = new RuleList(rules.publish, name);
    this.subscribe = new RuleList(rules.subscribe, name);
  }

  mayPublish(clientId: string, topic: string): boolean {
    if (!isSane(topic) || topicProblem(topic) !== undefined) return false;
    return this.publish.for(clientId).some((rule) => matches(rule, topic));
  }

  /** All that the filter matches must be in one rule. */
  maySubscribe(clientId: string, filter: string): boolean {
    if (!isSane(filter) || filterProblem(filter) !== undefined) return false;
    const levels = levelsOf(filter);
    return this.subscribe.for(clientId).some((rule) => covers(rule, levels));
  }
}

/** `$SYS`, `$share` and whatever else begins so is nobody's. */
function isSane(text: string): boolean {
  return !text.startsWith('$') && Buffer.byteLength(text) <= MOST_TOPIC_BYTES;
}

class RuleList {
  private readonly fixed: readonly Levels[];
  private readonly open: readonly string[];
  private clientId: string | undefined;
  private made: readonly Levels[] = [];

  constructor(rules: readonly string[], name: string | undefined) {
    const texts = rules
      .filter((rule) => ruleProblem(rule, name !== undefined) === undefined && (!rule.includes(USERNAME) || (name !== undefined && isLevelText(name))))
      .map((rule) => rule.replaceAll(USERNAME, () => name ?? ''));
    this.fixed = texts.filter((text) => !text.includes(CLIENT_ID)).map(levelsOf);
    this.open = texts.filter((text) => text.includes(CLIENT_ID));
  }

  for(clientId: string): readonly Levels[] {
    if (this.open.length === 0) return this.fixed;
    if (this.clientId !== clientId) {
      this.clientId = clientId;
      // A client id that could widen a rule stands nowhere.
      this.made = isLevelText(clientId) ? [...this.fixed, ...this.open.map((text) => levelsOf(text.replaceAll(CLIENT_ID, () => clientId)))] : this.fixed;
    }
    return this.made;
  }
}
