import { BoundedCache } from '../domain/bounded-cache.ts';
import type { EpochMs } from '../domain/message.ts';
import type { CodecEnvironment } from './registry.ts';
import type { SparkplugTopic } from './sparkplug-topic.ts';
import { TYPE } from './sparkplug-types.ts';

/** A node is asked again only after this time: births are its largest messages. */
export const REBIRTH_PAUSE_MS = 60_000;
/** All nodes together: after an outage everyone is asked, and everyone's births at once would be the next one. */
export const REBIRTHS_PER_SECOND = 20;
/** Nodes whose last request is remembered; a flood of made-up names pushes out the oldest and meets the bound above. */
const REMEMBERED = 20_000;
const KEY_LENGTH = 512;

/** Asks nodes to send their births again (Sparkplug 3.0, section 6.4: NCMD with `Node Control/Rebirth` true). */
export class Rebirths {
  private readonly environment: CodecEnvironment;
  private readonly asked: BoundedCache<EpochMs> = new BoundedCache(REMEMBERED, KEY_LENGTH);
  private second = 0;
  private sentInSecond = 0;

  constructor(environment: CodecEnvironment) {
    this.environment = environment;
  }

  /** Sends the command unless one went to the node a moment ago. A clock that was set back counts as a moment ago no longer. */
  request({ namespace, group, node, nodeKey }: SparkplugTopic): void {
    const now = this.environment.now();
    const last = this.asked.get(nodeKey);
    if (nodeKey.length > KEY_LENGTH || (last !== undefined && now >= last && now - last < REBIRTH_PAUSE_MS)) {
      return;
    }
    const second = Math.floor(now / 1000);
    if (second !== this.second) {
      this.second = second;
      this.sentInSecond = 0;
    }
    if (this.sentInSecond >= REBIRTHS_PER_SECOND) {
      return;
    }
    this.sentInSecond += 1;
    this.environment.counts['rebirth-request'] += 1;
    this.asked.set(nodeKey, now);
    this.environment.command(`${namespace}/${group}/NCMD/${node}`, rebirthCommand(now));
  }
}

/** Payload { timestamp, metrics: [{ name, timestamp, datatype: Boolean, boolean_value: true }] }. A name and no alias: whoever needs this may not know the alias. */
export function rebirthCommand(now: EpochMs): Buffer {
  const name = Buffer.from('Node Control/Rebirth');
  const time = varint(now);
  const metric = [0x0a, name.length, ...name, 0x18, ...time, 0x20, TYPE.Boolean, 0x70, 1];
  return Buffer.from([0x08, ...time, 0x12, metric.length, ...metric]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt(Math.max(0, Math.floor(value)));
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}
