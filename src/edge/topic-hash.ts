/** FNV-1a, 32 bits, the upper half folded into the lower: for tables with a power of two of places, no more than 65,536. */
export function topicHash(topic: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < topic.length; i += 1) hash = Math.imul(hash ^ topic.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 16);
}
