import { comparisons, measure, table } from './decode.ts';

// npm run bench:decode. Ratios of one run can be compared with those of another; nanoseconds only on one quiet machine.
const ROUNDS = 9;
const RUNS = 20_000;

console.log(`Node.js ${process.version}, medians of ${ROUNDS} interleaved rounds of ${RUNS} messages\n`);
console.log(table(measure(await comparisons(), { rounds: ROUNDS, runs: RUNS })));
