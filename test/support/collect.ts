import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Collects garbage now, in all of V8's heap. What a test then finds in memory is held by somebody. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { readonly type: 'major'; readonly execution: 'sync' }) => void;
  collect({ type: 'major', execution: 'sync' });
}
