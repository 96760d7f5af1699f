import { afterEach } from 'vitest';

/** Puts what `replace` makes of it in the place of a (private) method, as a wrong edit would, until the test is over. */
export type Mutate = (prototype: object, method: string, replace: (original: never) => (...args: never[]) => unknown) => void;

/** For one `describe`: each test begins with the code as it is. */
export function mutants(): Mutate {
  const undo: (() => void)[] = [];
  afterEach(() => {
    for (const restore of undo.splice(0)) restore();
  });
  return (prototype, method, replace) => {
    const original = Reflect.get(prototype, method) as unknown;
    if (typeof original !== 'function') throw new Error(`${method} is gone: this mutant tests nothing`);
    Reflect.set(prototype, method, replace(original as never));
    undo.push(() => Reflect.set(prototype, method, original));
  };
}
