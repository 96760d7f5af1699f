import { randomBytes } from 'node:crypto';

/** Eight characters that name this process: ids of two gateways, or of one before and after a restart, never meet. */
export function instanceName(): string {
  return randomBytes(6).toString('base64url');
}

/** Ids unique in time and space: `<instance>-<letter><counter in base 36>`. */
export function idSource(instance: string, letter: string): () => string {
  let count = 0;
  return () => `${instance}-${letter}${((count += 1)).toString(36)}`;
}
