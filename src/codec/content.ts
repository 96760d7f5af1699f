import type { Encoding } from '../domain/route.ts';

/** Comma; line feed. */
const SEPARATORS: Readonly<Record<Encoding, number>> = { json: 0x2c, ndjson: 0x0a };

/**
 * Readings one behind the other, as they stand in the body of a batch: one byte between two, none before the first or behind the last.
 * They are written as they come, so that no texts have to be kept until the batch goes out.
 */
export class Content {
  private readonly separator: number;
  private buffer: Buffer;
  private used = 0;

  /** `room`: bytes that it will come to, as far as anybody knows. */
  constructor(encoding: Encoding, room: number) {
    this.separator = SEPARATORS[encoding];
    this.buffer = Buffer.allocUnsafe(room);
  }

  /** Copies a text, which is in UTF-8. */
  append(text: Uint8Array): void {
    const { used } = this;
    const from = used === 0 ? 0 : used + 1;
    const end = from + text.length;
    if (end > this.buffer.length) this.grow(end);
    if (used > 0) this.buffer[used] = this.separator;
    this.buffer.set(text, from);
    this.used = end;
  }

  /** What was written so far; not a copy. */
  bytes(): Buffer {
    return this.buffer.subarray(0, this.used);
  }

  private grow(least: number): void {
    const larger = Buffer.allocUnsafe(Math.max(least, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.used);
    this.buffer = larger;
  }
}

/** The texts of a content, which have so many bytes each; views of it. Throws where it holds anything else. */
export function textsIn(content: Buffer, lengths: readonly number[]): Buffer[] {
  let at = 0;
  const texts = lengths.map((length) => {
    const text = content.subarray(at, at + length);
    at += length + 1;
    return text;
  });
  const length = Math.max(0, at - 1);
  if (length !== content.length) throw new Error(`a content of ${content.length} bytes was said to have ${length}`);
  return texts;
}

/** The content that these texts make. */
export function contentOf(texts: readonly Buffer[], encoding: Encoding): Buffer {
  const separator = Buffer.of(SEPARATORS[encoding]);
  return Buffer.concat(texts.flatMap((text, i) => (i === 0 ? [text] : [separator, text])));
}
