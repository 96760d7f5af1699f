import type { CodecOptions, PayloadDecoder } from '../codec/registry.ts';
import { TypeWatch } from './type-watch.ts';

/** What a normaliser has learned from messages, for the one that takes its place when the settings change. */
export class CodecMemory {
  readonly types: TypeWatch = new TypeWatch();
  private decoders: ReadonlyMap<string, PayloadDecoder> = new Map();
  private next: Map<string, PayloadDecoder> = new Map();

  /** The decoder that did this job before, else a new one. */
  decoder(profile: string, codec: string, options: CodecOptions, create: () => PayloadDecoder): PayloadDecoder {
    const key = JSON.stringify([profile, codec, options]);
    const decoder = this.decoders.get(key) ?? create();
    this.next.set(key, decoder);
    return decoder;
  }

  /** Everything that is needed has been asked for: the rest is forgotten. */
  settle(): void {
    this.decoders = this.next;
    this.next = new Map();
  }
}
