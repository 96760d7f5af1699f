/** Which way bytes go: `up` is client to server. */
export type Direction = 'up' | 'down';

/**
 * One way in which a network goes wrong, as Toxiproxy names them (https://github.com/Shopify/toxiproxy#toxics), and two
 * more: `stall`, which keeps the bytes as a network does that retransmits, and `limitData` with a reset in mid-frame.
 */
export type Toxic =
  /** Every byte comes so much later, give or take `jitterMs`; never overtaking. */
  | { readonly type: 'latency'; readonly latencyMs: number; readonly jitterMs?: number }
  | { readonly type: 'bandwidth'; readonly bytesPerSecond: number }
  /** In pieces of `least` to `most` bytes, `delayMs` apart. */
  | { readonly type: 'slicer'; readonly least: number; readonly most: number; readonly delayMs?: number }
  /** The end of the stream comes so much later than its last byte. */
  | { readonly type: 'slowClose'; readonly delayMs: number }
  /** Black hole: bytes are dropped. The connection is closed after `afterMs`; 0: not before the toxic is taken away. */
  | { readonly type: 'timeout'; readonly afterMs: number }
  /** Nothing gets through and nothing is lost, until the toxic is taken away. */
  | { readonly type: 'stall' }
  /** RST after `afterMs`, for connections that are there and for those that come. */
  | { readonly type: 'resetPeer'; readonly afterMs: number }
  /** Ends each connection after so many more bytes; `reset`: by RST. */
  | { readonly type: 'limitData'; readonly bytes: number; readonly reset?: boolean };

/** What a list of toxics comes to for one direction. */
export interface Effect {
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly bytesPerSecond: number | undefined;
  readonly slice: { readonly least: number; readonly most: number; readonly delayMs: number } | undefined;
  readonly slowCloseMs: number;
  readonly drops: boolean;
  readonly stalls: boolean;
  readonly limit: { readonly bytes: number; readonly reset: boolean } | undefined;
  /** Nothing of this: bytes may go straight through. */
  readonly none: boolean;
}

export function effectOf(toxics: readonly Toxic[]): Effect {
  let latencyMs = 0;
  let jitterMs = 0;
  let bytesPerSecond: number | undefined;
  let slice: Effect['slice'];
  let slowCloseMs = 0;
  let limit: Effect['limit'];
  for (const toxic of toxics) {
    if (toxic.type === 'latency') {
      latencyMs += toxic.latencyMs;
      jitterMs += toxic.jitterMs ?? 0;
    } else if (toxic.type === 'bandwidth') bytesPerSecond = Math.min(bytesPerSecond ?? Number.POSITIVE_INFINITY, toxic.bytesPerSecond);
    else if (toxic.type === 'slicer') slice = { least: Math.max(1, toxic.least), most: Math.max(1, toxic.most), delayMs: toxic.delayMs ?? 0 };
    else if (toxic.type === 'slowClose') slowCloseMs += toxic.delayMs;
    else if (toxic.type === 'limitData') limit = { bytes: toxic.bytes, reset: toxic.reset ?? false };
  }
  const drops = toxics.some(({ type }) => type === 'timeout');
  const stalls = toxics.some(({ type }) => type === 'stall');
  return { latencyMs, jitterMs, bytesPerSecond, slice, slowCloseMs, drops, stalls, limit, none: toxics.length === 0 };
}
