/**
 * Whether the work stays within a bound on CPU time that only a wrong order of growth can pass: linear work here takes a
 * hundredth of it. CPU time and not the clock, the best of three, so that a busy machine changes nothing.
 */
export function isCheap(work: () => void, boundMs = 2000): boolean {
  for (let i = 0; i < 3; i += 1) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1000 < boundMs) return true;
  }
  return false;
}
