import { encodeReading } from '../codec/reading.ts';
import { BoundedCache } from '../domain/bounded-cache.ts';
import { Chain } from '../domain/chain.ts';
import type { EpochMs, InboundMessage } from '../domain/message.ts';
import type { Reading } from '../domain/reading.ts';
import { Device, SILENT_MS } from './device.ts';
import { HistoryStore } from './device-history.ts';
import type { Normalised } from './normaliser.ts';
import type { DeadLetter } from './ports.ts';
import { shortReading, WHOLE_TEXT } from './short-reading.ts';

/** Characters of names, topics and readings a device, on average over all; beyond it the oldest make room, however few they are. */
const CHARACTERS = 1024;
const LEAST_CHARACTERS = 1_048_576;
/** Topics with dead letters of devices that are not known. */
const REFUSED_TOPICS = 1000;
/** Topics that several devices use, remembered so that a dead letter is put down to none of them. */
const SHARED_TOPICS = 10_000;
const TOPIC_LENGTH = 255;

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
  private readonly devices: Map<string, Device> = new Map();
  private readonly histories: HistoryStore;
  /** Topic -> the only device that uses it. */
  private readonly owners: Map<string, Device> = new Map();
  private readonly shared: BoundedCache<true> = new BoundedCache(SHARED_TOPICS, TOPIC_LENGTH);
  private readonly refusedTopics: Map<string, number> = new Map();
  /** In the order in which they were last seen. */
  private readonly seen = new Chain<Device>();
  private characters = 0;
  private evicted = 0;

  constructor(options: DeviceRegistryOptions) {
    this.entries = options.entries;
    this.maxCharacters = Math.max(LEAST_CHARACTERS, options.entries * CHARACTERS);
    this.histories = new HistoryStore(options.historyBytes);
  }

  get size(): number {
    return this.devices.size;
  }

  /** Devices that made room for others. */
  get forgotten(): number {
    return this.evicted;
  }

  get historyBytes(): number {
    return this.histories.bytes;
  }

  get(device: string): Device | undefined {
    return this.devices.get(device);
  }

  /** The last seen first. */
  *all(): Generator<Device, undefined> {
    for (let at = this.seen.newest; at !== undefined; at = at.older) yield at;
  }

  /** The one device that uses this topic; undefined where none does, or several do. */
  ownerOf(topic: string): Device | undefined {
    return this.owners.get(topic);
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
    for (let at = this.seen.oldest; at !== undefined && now - at.lastSeenAt > SILENT_MS; at = at.newer) if (at.silent(now)) silent += 1;
    return silent;
  }

  saw(message: InboundMessage, result: Normalised, texts: readonly (string | undefined)[]): void {
    if (result.kind !== 'readings' || message.replay !== undefined) return;
    const { readings } = result;
    for (let i = 0; i < readings.length; i += 1) this.note(readings[i] as Reading, texts[i]);
  }

  buried({ message, reading }: DeadLetter): void {
    if (message.replay !== undefined) return;
    const device = reading === undefined ? this.owners.get(message.topic) : this.devices.get(reading.device);
    if (device !== undefined) {
      device.refused += 1;
      return;
    }
    const { refusedTopics } = this;
    const before = refusedTopics.get(message.topic);
    // To the end: the topic that has been good for longest makes room.
    if (before !== undefined) refusedTopics.delete(message.topic);
    else if (refusedTopics.size >= REFUSED_TOPICS) refusedTopics.delete(refusedTopics.keys().next().value as string);
    refusedTopics.set(message.topic, (before ?? 0) + 1);
  }

  private note(reading: Reading, text: string | undefined): void {
    let device = this.devices.get(reading.device);
    const again = device?.topic === reading.topic;
    if (device === undefined) {
      device = this.enter(reading);
    } else {
      if (!again) this.moved(device, reading.topic);
      this.seen.renew(device);
    }
    device.note(reading);
    this.keep(device, reading, text ?? encodeReading(reading));
    this.histories.add(device, reading.receivedAt, reading.values, again);
    while (this.devices.size > this.entries || (this.characters > this.maxCharacters && this.devices.size > 1)) this.forget(this.seen.oldest as Device);
  }

  private enter(reading: Reading): Device {
    const device = new Device(reading);
    this.devices.set(reading.device, device);
    this.characters += reading.device.length + reading.topic.length;
    this.seen.append(device);
    this.claim(device, reading.topic);
    return device;
  }

  private moved(device: Device, topic: string): void {
    const change = device.moveTo(topic);
    if (change === undefined) return;
    this.characters += topic.length;
    this.claim(device, topic);
    if (change.dropped !== undefined) this.release(device, change.dropped);
  }

  private claim(device: Device, topic: string): void {
    if (this.shared.get(topic) === true) return;
    const owner = this.owners.get(topic);
    if (owner === undefined) {
      this.owners.set(topic, device);
    } else if (owner !== device) {
      this.owners.delete(topic);
      this.shared.set(topic, true);
    }
  }

  private release(device: Device, topic: string): void {
    this.characters -= topic.length;
    if (this.owners.get(topic) === device) this.owners.delete(topic);
  }

  private keep(device: Device, reading: Reading, text: string): void {
    const cut = text.length > WHOLE_TEXT;
    const kept = cut ? shortReading(reading) : text;
    this.characters += kept.length - device.text.length;
    device.text = kept;
    device.cut = cut;
  }

  private forget(device: Device): void {
    this.devices.delete(device.device);
    this.seen.remove(device);
    for (const topic of device.topics()) this.release(device, topic);
    this.histories.forget(device);
    this.characters -= device.device.length + device.text.length;
    this.evicted += 1;
  }
}
