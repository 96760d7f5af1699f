import { topicHash } from '../topic-hash.ts';
import { type AedesBroker, hasListener } from './aedes-client.ts';
import type { SessionExtras } from './ports.ts';

/** Topics that are remembered, about 0.1 kB each. Two that share a place only make aedes look for subscribers more often. */
const PLACES = 16_384;

/**
 * Knows the topics that nobody here subscribes to. Most of what devices publish is for RabbitMQ alone, and aedes looks anew with each message for
 * those to whom it hands it on.
 */
export class Audience {
  private readonly broker: AedesBroker;
  private readonly sessions: Pick<SessionExtras, 'awaits' | 'subscribed'>;
  private readonly topics: string[] = Array.from({ length: PLACES }, () => '');
  private readonly silences = new Float64Array(PLACES);
  /** Subscriptions of connections so far, and one. */
  private heard = 1;

  /** Before anybody subscribes. */
  constructor(broker: AedesBroker, sessions: Pick<SessionExtras, 'awaits' | 'subscribed'>) {
    this.broker = broker;
    this.sessions = sessions;
    const { mq } = broker;
    const on = mq.on.bind(mq);
    mq.on = (...subscription) => {
      this.heard += 1;
      return on(...subscription);
    };
  }

  /** Where nobody subscribes to the topic, a number for `lasts`; otherwise 0. */
  silence(topic: string): number {
    const { topics, silences } = this;
    const now = this.now;
    const place = topicHash(topic) & (PLACES - 1);
    if (silences[place] === now && topics[place] === topic) return now;
    if (hasListener(this.broker, topic) || this.sessions.awaits(topic)) return 0;
    topics[place] = topic;
    silences[place] = now;
    return now;
  }

  /** Whether there was silence, and nobody has subscribed to anything since. */
  lasts(silence: number): boolean {
    return silence === this.now;
  }

  /** Grows with each subscription, and is above 0. */
  private get now(): number {
    return this.heard + this.sessions.subscribed;
  }
}
