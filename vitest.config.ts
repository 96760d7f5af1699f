import { defineConfig } from 'vitest/config';

// Two projects: `unit` touches no socket and runs in parallel; `broker` shares one private RabbitMQ node,
// started once by its global set-up, and runs file by file so that load in one test is not noise in another.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles: ['test/support/fixed-seed.ts'],
          include: ['test/unit/**/*.test.ts', 'test/property/**/*.test.ts', 'test/docs/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'broker',
          include: ['test/contract/**/*.test.ts', 'test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/global-broker.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
