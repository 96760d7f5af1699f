import { encodeReading, keptLikeness } from '../codec/reading.ts';
import { FLAG } from '../domain/flags.ts';
import type { EpochMs, InboundMessage } from '../domain/message.ts';
import type { Reading } from '../domain/reading.ts';
import { knownTopic } from '../domain/topic-memory.ts';
import { Device, type DeviceSources, isSilent, SILENT_MS } from './device.ts';
import { HistoryStore } from './device-history.ts';
import {
  DeviceRecords,
  FIRST_SEEN,
  FLAG_BITS,
  INTERVAL,
  LAST_SEEN,
  LATE,
  type Manner,
  MEASURED,
  NEWER,
  NONE,
  OLDER,
  READINGS,
  REFUSED,
  SlotChain,
} from './device-records.ts';
import { counted } from './flag-counts.ts';
import { LastReadings } from './last-readings.ts';
import type { Normalised } from './normaliser.ts';
import type { DeadLetter } from './ports.ts';
import { Slabs } from './slabs.ts';
import { TopicOwners } from './topic-owners.ts';

/** Characters of names and topics and bytes of the reading of a device, on average over all; beyond it the oldest make room, however few they are. */
const CHARACTERS = 1024;
const LEAST_CHARACTERS = 1_048_576;
/** Topics kept of one device. */
const TOPICS = 8;
/** Weight of the newest interval: the last eight or so count. */
const WEIGHT = 1 / 8;
/** Topics with dead letters of devices that are not known. */
const REFUSED_TOPICS = 1000;

export interface DeviceRegistryOptions {
  /** Most devices (`devices.entries`). */
  readonly entries: number;
  /** Most bytes for the histories of all devices together. */
  readonly historyBytes: number;
}

/**
 * The devices that have been seen since the start, as far as there is room: a view of what passed by, never asked by what
 * forwards. Replayed dead letters leave it alone: they say nothing about their device today. Synchronous; the only clock is
 * the time of receipt of the messages.
 */
export class DeviceRegistry {
  private readonly entries: number;
  private readonly maxCharacters: number;
  private readonly records = new DeviceRecords();
  private readonly texts: LastReadings;
  private readonly histories: HistoryStore;
  /** Where views of devices look. */
  private readonly sources: DeviceSources;
  private readonly slots: Map<string, number> = new Map();
  private readonly owners = new TopicOwners(this.records, () => this.slots.values());
  private readonly refusedTopics: Map<string, number> = new Map();
  /** In the order in which they were last seen. */
  private readonly seen = new SlotChain(this.records, OLDER, NEWER);
  private characters = 0;
  private evicted = 0;

  constructor(options: DeviceRegistryOptions) {
    this.entries = options.entries;
    this.maxCharacters = Math.max(LEAST_CHARACTERS, options.entries * CHARACTERS);
    const slabs = new Slabs();
    this.texts = new LastReadings(this.records, slabs);
    this.histories = new HistoryStore(options.historyBytes, this.records, slabs);
    this.sources = { records: this.records, texts: this.texts, histories: this.histories };
  }

  get size(): number {
    return this.slots.size;
  }

  /** Devices that made room for others. */
  get forgotten(): number {
    return this.evicted;
  }

  get historyBytes(): number {
    return this.histories.bytes;
  }

  get(device: string): Device | undefined {
    return this.view(this.slots.get(device));
  }

  /** The last seen first. */
  *all(): Generator<Device, undefined> {
    for (let at = this.seen.newest; at !== NONE; at = this.records.word(at, OLDER)) yield new Device(this.sources, at);
  }

  /** The one device that uses this topic; undefined where none does, or several do. */
  ownerOf(topic: string): Device | undefined {
    return this.view(this.owners.of(topic));
  }

  /** Dead letters of no known device, by topic. */
  get refusedByTopic(): ReadonlyMap<string, number> {
    return this.refusedTopics;
  }

  /** For a scrape. */
  counts(now: EpochMs): { readonly known: number; readonly silent: number } {
    return { known: this.size, silent: this.silentCount(now) };
  }

  /** Walks over the devices that were not seen for 10 s: 6 ms where all of 100 000 are silent. */
  silentCount(now: EpochMs): number {
    let silent = 0;
    const { records } = this;
    for (let at = this.seen.oldest; at !== NONE && now - records.number(at, LAST_SEEN) > SILENT_MS; at = records.word(at, NEWER)) {
      if (isSilent(records, at, now)) silent += 1;
    }
    return silent;
  }

  saw(message: InboundMessage, result: Normalised, texts: readonly (Uint8Array | undefined)[]): void {
    if (result.kind !== 'readings' || message.replay !== undefined) return;
    const { readings } = result;
    for (let i = 0; i < readings.length; i += 1) this.note(readings[i] as Reading, texts[i]);
  }

  buried({ message, reading }: DeadLetter): void {
    if (message.replay !== undefined) return;
    const slot = reading === undefined ? this.owners.of(message.topic) : this.slots.get(reading.device);
    if (slot !== undefined) {
      this.increase(slot, REFUSED);
      return;
    }
    const { refusedTopics } = this;
    const before = refusedTopics.get(message.topic);
    // To the end: the topic that has been good for longest makes room.
    if (before !== undefined) refusedTopics.delete(message.topic);
    else if (refusedTopics.size >= REFUSED_TOPICS) refusedTopics.delete(refusedTopics.keys().next().value as string);
    refusedTopics.set(message.topic, (before ?? 0) + 1);
  }

  private view(slot: number | undefined): Device | undefined {
    return slot === undefined ? undefined : new Device(this.sources, slot);
  }

  private note(reading: Reading, text: Uint8Array | undefined): void {
    const { receivedAt } = reading;
    // Written first: it tells what the reading shares with others.
    const whole = text ?? Buffer.from(encodeReading(reading));
    let slot = this.slotOf(reading);
    const again = slot !== undefined && this.records.topics[slot] === reading.topic;
    if (slot === undefined) {
      slot = this.enter(reading);
    } else {
      if (!again) this.moved(slot, reading.topic);
      this.seen.renew(slot);
    }
    this.count(slot, reading);
    this.characters += this.texts.keep(slot, reading, whole);
    this.histories.add(slot, receivedAt, reading.values, again);
    while (this.slots.size > this.entries || (this.characters > this.maxCharacters && this.slots.size > 1)) this.forget(this.seen.oldest);
  }

  /** Mostly a topic has one device: then it need not be looked up by its name. */
  private slotOf({ device, topic }: Reading): number | undefined {
    const known = knownTopic(topic);
    if (this.records.devices[known.slot] === device) return known.slot;
    const slot = this.slots.get(device);
    known.slot = slot ?? known.slot;
    return slot;
  }

  private enter({ device, topic, receivedAt }: Reading): number {
    const { records } = this;
    const slot = records.enter(device, topic);
    records.setNumber(slot, FIRST_SEEN, receivedAt);
    records.setNumber(slot, LAST_SEEN, receivedAt);
    records.setNumber(slot, INTERVAL, Number.NaN);
    this.slots.set(device, slot);
    this.characters += device.length + topic.length;
    this.seen.append(slot);
    this.owners.claim(slot, topic);
    return slot;
  }

  private count(slot: number, reading: Reading): void {
    const { receivedAt, measuredAt, flags } = reading;
    const { records } = this;
    const gap = receivedAt - records.number(slot, LAST_SEEN);
    if (gap > 0) {
      // Readings of one message, and a clock that was set back, say nothing about the interval.
      const interval = records.number(slot, INTERVAL);
      records.setNumber(slot, INTERVAL, Number.isNaN(interval) ? gap : interval + (gap - interval) * WEIGHT);
    }
    records.setNumber(slot, LAST_SEEN, receivedAt);
    records.setNumber(slot, MEASURED, measuredAt);
    this.increase(slot, READINGS);
    const manner = mannerOf(reading);
    if (records.manners[slot] !== manner) records.manners[slot] = manner;
    if (flags === undefined) return;
    for (const flag of flags) {
      if (flag === 'late') this.increase(slot, LATE);
      const bits = records.word(slot, FLAG_BITS);
      records.flagCounts[slot] = counted(bits, records.flagCounts[slot] as readonly number[], flag);
      records.setWord(slot, FLAG_BITS, bits | FLAG[flag]);
    }
  }

  private increase(slot: number, field: number): void {
    this.records.setNumber(slot, field, this.records.number(slot, field) + 1);
  }

  private moved(slot: number, topic: string): void {
    const { records } = this;
    const topics = (records.others[slot] ??= [records.topics[slot] as string]);
    records.topics[slot] = topic;
    const at = topics.indexOf(topic);
    if (at >= 0) {
      topics.push(...topics.splice(at, 1));
      return;
    }
    topics.push(topic);
    this.characters += topic.length;
    this.owners.claim(slot, topic);
    if (topics.length > TOPICS) this.release(slot, topics.shift() as string);
  }

  private release(slot: number, topic: string): void {
    this.characters -= topic.length;
    this.owners.release(slot, topic);
  }

  private forget(slot: number): void {
    const { records } = this;
    const device = records.devices[slot] as string;
    this.slots.delete(device);
    this.seen.remove(slot);
    for (const topic of records.topicsOf(slot)) this.release(slot, topic);
    this.histories.forget(slot);
    this.characters -= device.length + this.texts.forget(slot);
    records.leave(slot);
    this.evicted += 1;
  }
}

function mannerOf(reading: Reading): Manner {
  const { profile, flags } = reading;
  return keptLikeness(reading) ?? { profile, flags };
}
