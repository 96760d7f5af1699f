// Preloaded (`node --import`) into gateways under test: SIGUSR2 blocks the event loop, as a payload would that takes
// seconds to read. Nothing answers meanwhile, heartbeats included.
const BLOCK_MS = 5000;

process.on('SIGUSR2', () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCK_MS);
});
