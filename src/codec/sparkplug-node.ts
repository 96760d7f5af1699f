import type { EpochMs } from '../domain/message.ts';
import { type Definition, type Definitions, sameDefinition } from './sparkplug-definitions.ts';

/** Births and deaths of a node that are recognised when they come again. */
export const REMEMBERED = 4;
const SEQ_RANGE = 256;
/** Rough bytes of a node or device besides its definitions. */
const BASE_WEIGHT = 400;

/** What marks one NBIRTH: its own time, its session's number and its sequence number. */
export interface Birth {
  readonly time: number | undefined;
  readonly bdSeq: number | undefined;
  readonly seq: number | undefined;
}

/** An NDEATH that was believed, and the devices that it took along. */
export interface Death {
  readonly time: number | undefined;
  readonly bdSeq: number | undefined;
  readonly devices: readonly string[];
}

/** A device, or the node itself. */
export class DeviceState {
  /** Whether its birth belongs to the node's current session. */
  born = false;
  online = false;
  definitions: Definitions;
  /** When the current definitions were first told. */
  since: number | undefined;
  /** Those before, if they were others. */
  elder: Definitions | undefined;

  constructor(definitions: Definitions, since: number | undefined) {
    this.definitions = definitions;
    this.since = since;
  }

  bear(definitions: Definitions, time: number | undefined): void {
    this.born = true;
    this.online = true;
    if (!definitions.equals(this.definitions)) {
      this.elder = this.definitions;
      this.definitions = definitions;
      this.since = time;
    }
  }

  /**
   * What an alias meant in a message of that time. A message older than the current definitions may have meant the ones
   * before them, or its clock was set back: where both know the alias and differ, nobody can tell, and it is unknown.
   */
  byAlias(alias: number | bigint, time: number | undefined): Definition | undefined {
    const found = this.definitions.find(alias);
    if (this.elder === undefined || time === undefined || this.since === undefined || time >= this.since) {
      return found;
    }
    const older = this.elder.find(alias);
    if (found === undefined || older === undefined) {
      return found ?? older;
    }
    return sameDefinition(found, older) ? found : undefined;
  }

  get weight(): number {
    return BASE_WEIGHT + this.definitions.weight + (this.elder?.weight ?? 0);
  }
}

/**
 * `next`: as expected. `again`: the gateway has seen it, or something later, before; it changes nothing.
 * `gap`: messages are missing in front of it.
 */
export type Position = 'next' | 'again' | 'gap';

/**
 * What is known of one edge node.
 *
 * Messages come at least once: after a lost channel or a restart the broker sends again what was not acked, in order, and
 * with holes where later messages had been acked before earlier ones. So a message that is older (by its own time) than
 * the last one and does not continue the sequence is taken as seen before: it is decoded and forwarded like any other (its
 * readings have the ids of the first time, so they are deduplicated there), and it changes no state. An NBIRTH that is
 * one of the last few births does not begin a session again, or the aliases of the devices behind it would be lost; a
 * death that was believed before yields the same readings again.
 */
export class NodeState {
  readonly key: string;
  /** An NBIRTH was seen. */
  born = false;
  online = false;
  birthTime: number | undefined;
  bdSeq: number | undefined;
  /** Messages are missing since the last NBIRTH, perhaps a birth among them: what aliases mean is in doubt until the next. */
  gap = false;
  /** Which use of all nodes was the last of this one. */
  usedAt = 0;
  /** Until then positions are not judged: see `SparkplugStore`. */
  settlesAt: EpochMs = Number.NEGATIVE_INFINITY;
  births: Birth[] = [];
  deaths: Death[] = [];
  /** By device id; the node itself has the empty one, which no topic can have. */
  readonly devices: Map<string, DeviceState> = new Map();
  private expected: number | undefined;
  private lastTime: number | undefined;

  constructor(key: string) {
    this.key = key;
  }

  knows(birth: Birth): boolean {
    const { time, bdSeq, seq } = birth;
    return time !== undefined && this.births.some((other) => other.time === time && other.bdSeq === bdSeq && other.seq === seq);
  }

  /** Begins a session. Definitions of its devices are kept, for messages that are still to come from the session before. */
  bear(birth: Birth, definitions: Definitions): void {
    this.births = [...this.births.slice(1 - REMEMBERED), birth];
    this.born = true;
    this.online = true;
    this.gap = false;
    this.birthTime = birth.time;
    this.bdSeq = birth.bdSeq;
    this.settlesAt = Number.NEGATIVE_INFINITY;
    this.restart(birth.seq ?? 0, birth.time);
    for (const device of this.devices.values()) {
      device.born = false;
      device.online = false;
    }
    this.bearDevice('', definitions, birth.time);
  }

  bearDevice(id: string, definitions: Definitions, time: number | undefined): void {
    let device = this.devices.get(id);
    if (device === undefined) {
      device = new DeviceState(definitions, time);
      this.devices.set(id, device);
    }
    device.bear(definitions, time);
  }

  /** A session that was missed: what was told in the one before holds no longer. */
  lose(): void {
    this.born = false;
    for (const device of this.devices.values()) {
      device.born = false;
      device.online = false;
    }
  }

  /** Forgets what only messages of earlier sessions could ask for. */
  trim(keep: string): void {
    for (const [id, device] of this.devices) {
      device.elder = undefined;
      if (!device.born && id !== '' && id !== keep) {
        this.devices.delete(id);
      }
    }
  }

  /** What a death notice took along; `isNew`: just now. undefined: it belongs to an earlier session, which a birth has ended since. */
  die(bdSeq: number | undefined, time: number | undefined): { readonly devices: readonly string[]; readonly isNew: boolean } | undefined {
    const same = bdSeq === undefined || this.bdSeq === undefined || bdSeq === this.bdSeq;
    const known = this.deaths.find((death) => death.bdSeq === bdSeq && death.time === time);
    if (known !== undefined && !(same && this.online)) {
      return { devices: known.devices, isNew: false };
    }
    if (!same) {
      return undefined;
    }
    const devices = [...this.devices].filter(([id, device]) => id !== '' && device.online).map(([id]) => id);
    this.deaths = [...this.deaths.slice(1 - REMEMBERED), { time, bdSeq, devices }];
    this.online = false;
    return { devices, isNew: true };
  }

  /**
   * Where a message stands in the node's sequence 0..255 (Sparkplug 3.0, tck-id-payloads-sequence-num-incrementing), and
   * takes note of it. Numbers that are missing or out of range cannot be judged, but a
   * missing one where 0 is due is that 0: writers of proto3, unlike the specification's proto2, leave zeros out. The sequence alone cannot tell a
   * message that comes again from one behind a gap; its time can.
   */
  follow(seq: number | undefined, time: number | undefined, now: EpochMs): Position {
    const { expected, lastTime } = this;
    if (seq === undefined && expected === 0) {
      return this.follow(0, time, now);
    }
    if (seq === undefined || seq >= SEQ_RANGE) {
      return 'next';
    }
    if (expected !== undefined && seq !== expected) {
      const older = time !== undefined && lastTime !== undefined ? lastTime - time : 0;
      const behind = (seq - expected + SEQ_RANGE) % SEQ_RANGE >= SEQ_RANGE / 2;
      if (older > 0 || (older === 0 && behind)) {
        return 'again';
      }
      if (now >= this.settlesAt) {
        this.restart(seq, time);
        this.gap = true;
        return 'gap';
      }
    }
    this.restart(seq, time);
    return 'next';
  }

  get weight(): number {
    let weight = BASE_WEIGHT;
    for (const device of this.devices.values()) {
      weight += device.weight;
    }
    return weight;
  }

  private restart(seq: number | undefined, time: number | undefined): void {
    this.expected = seq === undefined || seq >= SEQ_RANGE ? undefined : (seq + 1) % SEQ_RANGE;
    this.lastTime = time;
  }
}
