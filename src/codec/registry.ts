import type { Result } from '../domain/fault.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Limits } from '../domain/profile.ts';
import type { Flag } from '../domain/reading.ts';
import { jsonCodec } from './json.ts';

/** A payload as data, before any profile has looked at it. */
export interface Decoded {
  readonly document: Document;
  /** What every reading of this payload must say about it; shared between messages. */
  readonly flags: readonly Flag[];
}

/**
 * Bytes of one payload -> data. Pure and without memory: what needs to remember earlier messages (Sparkplug's aliases)
 * does so behind a codec, in the room that knows topics and restarts.
 *
 * `decode` never throws on any bytes and answers in time linear in their number; `limits.depth` and `limits.fields`
 * are checked before anything is built. `body` is never empty and never longer than `limits.messageBytes`: the
 * normaliser sees to both.
 */
export interface PayloadCodec {
  /** What a profile's `codec` says. */
  readonly name: string;
  /** Media type of the payload, for documentation; the type that a publisher claims is not looked at. */
  readonly contentType: string;
  decode(body: Buffer, limits: Limits): Result<Decoded>;
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
  return new CodecRegistry([jsonCodec]);
}
