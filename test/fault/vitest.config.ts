import { defineConfig } from 'vitest/config';

// `npm run test:faults`: every row of the fault matrix, each group against a broker and a gateway of its own. Tens of
// minutes; `npm test` runs the selection in test/e2e/kills.test.ts.
export default defineConfig({
  test: {
    name: 'faults',
    include: ['test/fault/**/*.test.ts'],
    globalSetup: ['test/fault/measured.ts'],
    fileParallelism: false,
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
  },
});
