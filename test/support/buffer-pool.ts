/** Uses up the pool that small buffers are cut from: the next one is of the size that `Buffer.poolSize` says. */
export function freshPool(): void {
  const small = 1024;
  const { buffer } = Buffer.allocUnsafe(small);
  for (let left = buffer.byteLength / small; left > 0 && Buffer.allocUnsafe(small).buffer === buffer; left -= 1);
}
