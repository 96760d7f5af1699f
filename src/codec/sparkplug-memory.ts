import type { CodecEnvironment } from './registry.ts';
import { Rebirths } from './sparkplug-rebirth.ts';
import { SparkplugStore } from './sparkplug-store.ts';

export interface Memory {
  readonly store: SparkplugStore;
  readonly rebirths: Rebirths;
}

const memories = new WeakMap<CodecEnvironment, Memory>();

/** One memory for each environment, which the normaliser gives to each profile: what one profile learned stays its own. */
export function memoryOf(environment: CodecEnvironment): Memory {
  let memory = memories.get(environment);
  if (memory === undefined) {
    memory = { store: new SparkplugStore(environment), rebirths: new Rebirths(environment) };
    memories.set(environment, memory);
  }
  return memory;
}
