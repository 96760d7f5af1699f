import type { MetricDefinition } from './labels.ts';

const read = { by: 'read', labels: {} } as const;

/** The process itself, under the names that common dashboards know. */
export const PROCESS_METRICS = {
  nodejs_eventloop_lag_mean_seconds: {
    ...read,
    type: 'gauge',
    unit: 'seconds',
    help: 'Mean delay of the event loop in the current window (60 s, begun anew by a scrape).',
    worry: '-',
  },
  nodejs_eventloop_lag_p99_seconds: {
    ...read,
    type: 'gauge',
    unit: 'seconds',
    help: '99th percentile of the delay of the event loop in the current window.',
    worry: 'Above 0.1: the process has more to do than one core can.',
  },
  nodejs_eventloop_lag_max_seconds: {
    ...read,
    type: 'gauge',
    unit: 'seconds',
    help: 'Longest delay of the event loop in the current window.',
    worry: 'Above the heartbeat interval of the broker.',
  },
  nodejs_eventloop_busy_seconds_total: {
    ...read,
    type: 'counter',
    unit: 'seconds',
    help: 'Time that the event loop was not idle; its rate is the utilisation (0 to 1).',
    worry: 'The rate stays above 0.9.',
  },
  process_cpu_user_seconds_total: { ...read, type: 'counter', unit: 'seconds', help: 'User CPU time of the process.', worry: '-' },
  process_cpu_system_seconds_total: { ...read, type: 'counter', unit: 'seconds', help: 'System CPU time of the process.', worry: '-' },
  process_cpu_seconds_total: { ...read, type: 'counter', unit: 'seconds', help: 'User and system CPU time of the process.', worry: '-' },
  process_start_time_seconds: { ...read, type: 'gauge', unit: 'seconds', help: 'Start of the process, seconds since 1970.', worry: 'It changes unexpectedly.' },
  process_resident_memory_bytes: {
    ...read,
    type: 'gauge',
    unit: 'bytes',
    help: 'Resident memory of the process.',
    worry: 'It grows for hours: memory is bounded by the prefetch.',
  },
  process_open_fds: { ...read, type: 'gauge', unit: 'descriptors', help: 'Open file descriptors; absent where the system does not tell.', worry: 'It grows.' },
  nodejs_heap_size_total_bytes: { ...read, type: 'gauge', unit: 'bytes', help: 'Heap that V8 has reserved.', worry: '-' },
  nodejs_heap_size_used_bytes: { ...read, type: 'gauge', unit: 'bytes', help: 'Heap in use.', worry: '-' },
  nodejs_external_memory_bytes: { ...read, type: 'gauge', unit: 'bytes', help: 'Memory outside the heap (buffers).', worry: '-' },
} as const satisfies Record<string, MetricDefinition>;
