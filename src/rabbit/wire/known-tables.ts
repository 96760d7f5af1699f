type Headers = Readonly<Record<string, unknown>>;

/** Header tables of messages from devices differ in quality of service and `dup`, and in the number of deliveries where they come again. */
const KEPT = 16;
/** A larger one is not worth comparing. */
const MAX_BYTES = 512;

/** Header tables that came before, by their bytes, with what amqplib made of them. */
export class KnownTables {
  private readonly tables: { readonly bytes: Buffer; readonly headers: Headers }[] = [];
  private next = 0;
  private asked: Buffer | undefined;

  /** The headers, which nobody may change; undefined where they are not known yet. The table is the part of the bytes from `start` to `end`. */
  find(bytes: Buffer, start: number, end: number): Headers | undefined {
    for (const table of this.tables) if (same(table.bytes, bytes, start, end)) return table.headers;
    this.asked = end - start <= MAX_BYTES ? Buffer.from(bytes.subarray(start, end)) : undefined;
    return undefined;
  }

  /** Another message begins: the table that was looked for last is not its. */
  forget(): void {
    this.asked = undefined;
  }

  /** What the table means that `find` did not know: the headers of the same message, as amqplib has parsed them. */
  learn(headers: Headers | undefined): void {
    const { asked } = this;
    this.asked = undefined;
    if (asked === undefined || headers === undefined) return;
    this.tables[this.next] = { bytes: asked, headers: Object.freeze({ ...headers }) };
    this.next = (this.next + 1) % KEPT;
  }
}

function same(table: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (table.length !== end - start) return false;
  for (let i = 0; i < table.length; i += 1) if (table[i] !== bytes[start + i]) return false;
  return true;
}
