/** Blocks of one size share a page, which goes when its last block does. */
const PAGE_BYTES = 65_536;
/** Blocks begin at multiples of it: doubles and texts may stand in any. */
const STEP_BYTES = 16;
const BLOCKS = PAGE_BYTES / STEP_BYTES;
/** A size has an eighth more than the one before: 6 % of a block are empty on average. */
const GROWTH = 8;
/** Sizes of which so many or fewer fill a page are parts of one: what is left of it would be too much else. */
const FEW = 8;
/** Up to so many bytes are copied one by one: a call of native code costs as much as some 100. */
const SHORT = 100;
/** Bytes of the largest block. */
export const LARGEST_BLOCK = PAGE_BYTES;

const SIZES: readonly number[] = sizes();
/** Steps that are asked for -> which size has room for them. */
const SIZE_OF = Uint8Array.from({ length: BLOCKS + 1 }, (_, steps) => SIZES.findIndex((size) => size >= steps * STEP_BYTES));

/** Bytes of a block that has room for so many, 1 to `LARGEST_BLOCK`. Throws RangeError for others. */
export function sizeFor(bytes: number): number {
  return SIZES[kindFor(bytes)] as number;
}

function kindFor(bytes: number): number {
  const kind = SIZE_OF[Math.ceil(bytes / STEP_BYTES)];
  if (kind === undefined || bytes < 1) throw new RangeError(`a block of ${bytes} bytes; 1 to ${LARGEST_BLOCK} are possible`);
  return kind;
}

interface Page {
  readonly number: number;
  readonly kind: number;
  /** Bytes of a block. */
  readonly size: number;
  /** Blocks that it has room for. */
  readonly most: number;
  readonly bytes: Buffer;
  readonly doubles: Float64Array;
  readonly words: Int32Array;
  used: number;
  /** Behind the last block that was ever used. */
  fresh: number;
  /** First of the blocks that were given back, -1 without any; each holds the next. */
  free: number;
  /** Where it stands among the pages of its size that have room; -1 while it has none. */
  place: number;
}

/**
 * Memory in blocks outside of V8's heap, for what is kept long and often replaced: a text that lives until the next reading of its device is
 * copied twice by the collector, and is garbage of the old generation then. Takes pages of 64 kB as they are needed; blocks of one
 * size are in pages of their own, so that what is given back can become blocks of any other.
 */
export class Slabs {
  private readonly pages: (Page | undefined)[] = [];
  /** Numbers of pages that have gone. */
  private readonly spare: number[] = [];
  /** For each size the pages that have room. */
  private readonly open: Page[][] = SIZES.map(() => []);
  private held = 0;

  /** Bytes of all pages. */
  get bytes(): number {
    return this.held * PAGE_BYTES;
  }

  /** A block of at least so many bytes (see `sizeFor`), by its handle: a whole number, below 2^30 for up to 16 GB. What stands in it is left from before. */
  take(bytes: number): number {
    const kind = kindFor(bytes);
    const page = this.open[kind]?.at(-1) ?? this.newPage(kind);
    let block = page.free;
    if (block === -1) {
      block = page.fresh;
      page.fresh += 1;
    } else page.free = page.words[(block * page.size) >> 2] as number;
    page.used += 1;
    if (page.used === page.most) this.close(page);
    return page.number * BLOCKS + block;
  }

  /** The block must not be used any more. */
  give(handle: number): void {
    const page = this.pageOf(handle);
    const block = handle % BLOCKS;
    page.words[(block * page.size) >> 2] = page.free;
    page.free = block;
    page.used -= 1;
    if (page.place === -1) this.list(page);
    // The last one stays, or a single block that comes and goes would take its page along each time.
    if (page.used > 0 || this.open[page.kind]?.length === 1) return;
    this.close(page);
    this.pages[page.number] = undefined;
    this.spare.push(page.number);
    this.held -= 1;
  }

  /** Bytes of the block. */
  size(handle: number): number {
    return this.pageOf(handle).size;
  }

  /** The page of a block in doubles, and where the block begins there. */
  doubles(handle: number): { readonly page: Float64Array; readonly at: number } {
    const page = this.pageOf(handle);
    return { page: page.doubles, at: ((handle % BLOCKS) * page.size) >> 3 };
  }

  /** Writes bytes to the beginning of a block. Throws RangeError where it has no room for them. */
  write(handle: number, bytes: Uint8Array): void {
    const page = this.pageOf(handle);
    checkRoom(page, bytes.length);
    page.bytes.set(bytes, (handle % BLOCKS) * page.size);
  }

  /** Writes two parts of a text, each from a place on and so many bytes, one behind the other. Throws as `write`. */
  writeTwo(handle: number, bytes: Uint8Array, first: number, firstCount: number, second: number, secondCount: number): void {
    const page = this.pageOf(handle);
    checkRoom(page, firstCount + secondCount);
    const at = (handle % BLOCKS) * page.size;
    copy(page.bytes, at, bytes, first, firstCount);
    copy(page.bytes, at + firstCount, bytes, second, secondCount);
  }

  /** The first `count` bytes of a block: a view, good until something is written to it. */
  view(handle: number, count: number): Buffer {
    const page = this.pageOf(handle);
    const at = (handle % BLOCKS) * page.size;
    return page.bytes.subarray(at, at + count);
  }

  private pageOf(handle: number): Page {
    return this.pages[Math.floor(handle / BLOCKS)] as Page;
  }

  private newPage(kind: number): Page {
    const page = pageOf(this.spare.pop() ?? this.pages.length, kind);
    this.pages[page.number] = page;
    this.held += 1;
    this.list(page);
    return page;
  }

  private list(page: Page): void {
    const open = this.open[page.kind] as Page[];
    page.place = open.length;
    open.push(page);
  }

  /** Out of the list of those that have room. */
  private close(page: Page): void {
    const open = this.open[page.kind] as Page[];
    const last = open.pop() as Page;
    if (last !== page) {
      open[page.place] = last;
      last.place = page.place;
    }
    page.place = -1;
  }
}

function checkRoom({ size }: Page, bytes: number): void {
  if (bytes > size) throw new RangeError(`${bytes} bytes for a block of ${size}`);
}

function copy(to: Uint8Array, at: number, bytes: Uint8Array, from: number, count: number): void {
  if (count > SHORT) to.set(bytes.subarray(from, from + count), at);
  else for (let i = 0; i < count; i += 1) to[at + i] = bytes[from + i] as number;
}

function pageOf(number: number, kind: number): Page {
  const size = SIZES[kind] as number;
  const bytes = Buffer.allocUnsafeSlow(PAGE_BYTES);
  const { buffer } = bytes;
  return {
    number,
    kind,
    size,
    most: Math.floor(PAGE_BYTES / size),
    bytes,
    doubles: new Float64Array(buffer),
    words: new Int32Array(buffer),
    used: 0,
    fresh: 0,
    free: -1,
    place: -1,
  };
}

function sizes(): number[] {
  const small: number[] = [];
  for (let size = STEP_BYTES; size < PAGE_BYTES / FEW; size = Math.ceil((size + Math.max(STEP_BYTES, size / GROWTH)) / STEP_BYTES) * STEP_BYTES)
    small.push(size);
  const large = Array.from({ length: FEW }, (_, i) => Math.floor(PAGE_BYTES / (FEW - i) / STEP_BYTES) * STEP_BYTES);
  return [...small, ...large];
}
