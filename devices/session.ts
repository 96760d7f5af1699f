import type { Message, Qos } from './device.ts';
import type { Presence } from './formats/format.ts';

/** A message that is no measurement: what a connection says of itself. */
export interface Said {
  readonly topic: string;
  readonly payload: string | Buffer;
  readonly qos: Qos;
}

/** What a connection says of itself and hears. The same over all network connections that it takes. */
export interface Session {
  /** For the next network connection; asked once before each. QoS 1, not retained. Undefined: none. */
  will(): Pick<Said, 'topic' | 'payload'> | undefined;
  /** Once a network connection is made. */
  hello(): readonly Said[];
  /** Before a clean end. */
  farewell(): readonly Said[];
  /** Subscribed to with QoS 1, and granted, before anything is said. */
  readonly commandTopic?: string;
  /** What is said in answer to a command. */
  onCommand?(topic: string, payload: Buffer): readonly Said[];
  /**
   * With this, each network connection is a session of its own: the broker keeps nothing from one to the next, `hello` comes
   * before all else, and a message that an earlier one left without PUBACK is said anew behind it, in the bytes answered here.
   * Without, messages are sent again as they were, and `hello` follows them.
   */
  renew?(message: Message): Buffer;
}

/** A session that says the same words each time. Not retained, so that a consumer that starts later is not told old news. */
export function presenceSession(presence: Presence | undefined): Session | undefined {
  if (presence === undefined) {
    return undefined;
  }
  const { topic, online, offline } = presence;
  const said = (payload: string | undefined): Said[] => (payload === undefined ? [] : [{ topic, payload, qos: 1 }]);
  return { will: () => ({ topic, payload: offline }), hello: () => said(online), farewell: () => said(offline) };
}
