/**
 * A record without inherited names: `__proto__`, `constructor` and `toString` are keys like any other.
 *
 * Not `Object.create(null)`: V8 keeps that in dictionary mode, which costs 111 ns against 46 ns to fill with four
 * values and 116 ns against 13 ns to walk. Instances of this function have fast shapes, and their prototype is an
 * empty frozen object whose own prototype is null.
 */
const Bag = function bag(): void {} as unknown as { new (): Record<string, never>; prototype: object };
Bag.prototype = Object.freeze(Object.create(null) as object);

export function emptyBag<V>(): Record<string, V> {
  return new Bag();
}
