type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

/** Integers beyond 2^53 keep their digits, where the browser tells how a number was written. */
const exact: Reviver = (_key, value, context) => {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
};

export function parseJson(text: string): unknown {
  return /\d{16}/.test(text) ? JSON.parse(text, exact) : JSON.parse(text);
}

/** JSON for a person. */
export function pretty(value: unknown): string {
  const raw = new Map<string, string>();
  const text = JSON.stringify(
    value,
    (_key, each: unknown) => {
      if (typeof each !== 'bigint') return each;
      const mark = `\u0000${raw.size}\u0000`;
      raw.set(JSON.stringify(mark), String(each));
      return mark;
    },
    2,
  );
  return [...raw].reduce((all, [mark, digits]) => all.replace(mark, digits), text ?? '');
}
