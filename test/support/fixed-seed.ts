import { configureGlobal } from 'fast-check';

// The same cases on every run, so that a red run means a change and not luck. SLUICE_SEED looks elsewhere.
configureGlobal({ seed: Number(process.env['SLUICE_SEED'] ?? 1) });
