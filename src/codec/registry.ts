import { type AnomalyCounts, noAnomalies } from './anomalies.ts';
import type { Result } from '../domain/fault.ts';
import type { EpochMs } from '../domain/message.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Limits } from '../domain/profile.ts';
import type { Flag } from '../domain/reading.ts';
import { bytesCodec } from './bytes.ts';
import { cborCodec } from './cbor.ts';
import { csvCodec } from './csv.ts';
import { jsonCodec } from './json.ts';
import { lineProtocolCodec } from './line-protocol.ts';
import { msgpackCodec } from './msgpack.ts';
import { scalarCodec } from './scalar.ts';
import { opcuaJsonCodec } from './opcua.ts';
import { senmlCborCodec } from './senml-cbor.ts';
import { senmlJsonCodec } from './senml-json.ts';
import { sparkplugCodec } from './sparkplug.ts';

/** What is known of a message besides its bytes. */
export interface DecodeContext {
  /** MQTT form. */
  readonly topic: string;
  readonly receivedAt: EpochMs;
}

/** A payload as data, before any profile has looked at it. Never holds NaN or infinity: such a value is left out, or null. */
export interface Decoded {
  readonly document: Document;
  /** What every reading of this payload must say about it; shared between messages. */
  readonly flags: readonly Flag[];
  /** The message holds no readings and is none the worse for it: it is filtered, with this reason (one word). */
  readonly ignored?: string | undefined;
}

/**
 * `decode` never throws on any bytes and answers in time linear in their number; `limits.depth` and `limits.fields`
 * are checked before anything is built. `body` is never empty and never longer than `limits.messageBytes`: the
 * normaliser sees to both.
 */
export interface PayloadDecoder {
  decode(body: Buffer, limits: Limits, context: DecodeContext): Result<Decoded>;
}

/** `codecOptions` of a profile. */
export type CodecOptions = Readonly<Record<string, unknown>>;

/** What a codec with a memory may use (Sparkplug's aliases and births); the pure ones ignore it. */
export interface CodecEnvironment {
  /** Different at every start of every gateway. */
  readonly instance: string;
  /** Publishes towards a device; fire and forget, and possibly to nobody. Never throws. `topic` is in MQTT form. */
  command(topic: string, body: Buffer): void;
  /** What `save` was last given under this name, by this process or an earlier one; undefined for nothing. Never throws. */
  load(name: string): unknown;
  /**
   * Keeps a small state across restarts, as far as that succeeds: before the message at hand is acked it is durable.
   * `state` makes plain JSON data, or undefined to forget the name; it is called once for all saves until then, and again
   * where writing failed. Never throws.
   */
  save(name: string, state: () => unknown): void;
  now(): EpochMs;
  /** Codecs count here what they notice; one for all profiles of a gateway. Never goes back. */
  readonly counts: AnomalyCounts;
}

/** Bytes of one payload -> data. */
export interface PayloadCodec {
  /** What a profile's `codec` says. */
  readonly name: string;
  /** Media type of the payload, for documentation; the type that a publisher claims is not looked at. */
  readonly contentType: string;
  /** Its decoders remember earlier messages and may send commands. Absent: bytes alone decide. */
  readonly stateful?: boolean;
  /** Problems of the options as sentences that begin with the option's name and a colon; empty when they are good. Never throws. */
  checkOptions(options: CodecOptions): string[];
  /** One decoder for each profile. Only called with options that `checkOptions` found good. */
  create(options: CodecOptions, environment: CodecEnvironment): PayloadDecoder;
}

/** Where there is no gateway around: commands go nowhere, nothing is kept. */
export function detachedEnvironment(instance: string, now: () => EpochMs = () => 0): CodecEnvironment {
  return { instance, command: () => {}, load: () => undefined, save: () => {}, now, counts: noAnomalies() };
}

/** The formats that profiles may name. */
export class CodecRegistry {
  private readonly codecs: ReadonlyMap<string, PayloadCodec>;

  /** Throws where two codecs have one name. */
  constructor(codecs: readonly PayloadCodec[]) {
    this.codecs = new Map(codecs.map((codec) => [codec.name, codec]));
    if (this.codecs.size !== codecs.length) {
      throw new Error(`two codecs have the same name: ${codecs.map((codec) => codec.name).join(', ')}`);
    }
  }

  get(name: string): PayloadCodec | undefined {
    return this.codecs.get(name);
  }

  get names(): readonly string[] {
    return [...this.codecs.keys()];
  }
}

/** Every format that Sluice knows. */
export function defaultCodecs(): CodecRegistry {
  return new CodecRegistry([
    jsonCodec,
    cborCodec,
    msgpackCodec,
    senmlJsonCodec,
    senmlCborCodec,
    opcuaJsonCodec,
    bytesCodec,
    scalarCodec,
    lineProtocolCodec,
    csvCodec,
    sparkplugCodec,
  ]);
}
