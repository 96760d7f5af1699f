import { comparison } from './report/compare.ts';
import { readResult } from './support/result.ts';

// npm run bench:compare -- BEFORE.json AFTER.json

const [before, after, ...more] = process.argv.slice(2);
if (before === undefined || after === undefined || more.length > 0 || before.startsWith('-')) {
  console.error(
    'npm run bench:compare -- BEFORE.json AFTER.json\n\nThe medians of the second result file as multiples of the first; a star: outside the spread of the first.',
  );
  process.exitCode = 2;
} else {
  try {
    console.log(comparison(readResult(before), readResult(after)));
  } catch (error) {
    console.error(`bench:compare: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
