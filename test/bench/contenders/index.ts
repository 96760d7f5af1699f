import type { Contender } from './contender.ts';
import { floor } from './floor.ts';
import { plain } from './plain.ts';
import { shovel } from './shovel.ts';
import { sluice } from './sluice.ts';

export const CONTENDERS: Readonly<Record<string, Contender>> = { floor, sluice, shovel, plain };

export function contenderOf(name: string): Contender {
  const found = CONTENDERS[name];
  if (found === undefined) throw new Error(`there is no contender ${name}`);
  return found;
}
