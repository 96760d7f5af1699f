import { readFileSync } from 'node:fs';

// Preloaded (`node --import`) into gateways under test: at SIGWINCH, which every other process ignores, the wall clock jumps so
// many milliseconds away from the machine's as the file says. The monotonic clock and timers stay as they are, as when
// an operator or NTP sets the clock.
const file = process.env['SLUICE_VERIFY_CLOCK_FILE'];
const Real = Date;
const realNow = Real.now.bind(Real);
let shift = 0;

if (file !== undefined) {
  const now = (): number => realNow() + shift;
  Real.now = now;
  // The class itself stays the one that Node's own dates are of.
  globalThis.Date = new Proxy(Real, {
    construct: (target, args: unknown[]) => Reflect.construct(target, args.length === 0 ? [now()] : args) as Date,
    // `Date()` without `new` is a text.
    apply: () => new Real(now()).toString(),
  });
  process.on('SIGWINCH', () => {
    shift = Number(readFileSync(file, 'utf8'));
  });
}
