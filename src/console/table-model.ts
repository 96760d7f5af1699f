/** Rows by key, in the order to show. */
export interface TableRows<T> {
  readonly keys: readonly string[];
  readonly rows: ReadonlyMap<string, T>;
}

/**
 * One page of a table that is asked for again each second. While it is held (somebody points at a row, or has one in
 * focus) the rows stay where they are and only what they show goes on: nothing moves away under a finger.
 */
export class TableModel<T> {
  private readonly keyOf: (row: T) => string;
  private keys: readonly string[] = [];
  private rows: ReadonlyMap<string, T> = new Map();
  held = false;

  constructor(keyOf: (row: T) => string) {
    this.keyOf = keyOf;
  }

  /** `fresh`: asked for with other conditions, so that the order of before means nothing. */
  set(next: readonly T[], fresh = false): TableRows<T> {
    const given = new Map(next.map((row) => [this.keyOf(row), row]));
    if (this.held && !fresh && this.keys.length > 0) {
      const rows = new Map(this.keys.map((key) => [key, given.get(key) ?? (this.rows.get(key) as T)]));
      this.rows = rows;
      return { keys: this.keys, rows };
    }
    const keys = [...given.keys()];
    this.keys = keys;
    this.rows = given;
    return { keys, rows: given };
  }
}

/** `1–50 of 10,000`, and where the neighbours begin; undefined where there is none. */
export function pages(
  offset: number,
  limit: number,
  total: number,
): { readonly from: number; readonly to: number; readonly before?: number; readonly after?: number } {
  const from = total === 0 ? 0 : Math.min(offset + 1, total);
  const to = Math.min(offset + limit, total);
  return {
    from,
    to,
    ...(offset > 0 ? { before: Math.max(0, offset - limit) } : {}),
    ...(offset + limit < total ? { after: offset + limit } : {}),
  };
}
