// Preloaded (`node --import`) into the children of `sluice up`: when the process that started them is gone, however it
// went, the channel to it closes, and they stop in order as after SIGTERM.
import process from 'node:process';

function quiet(): void {
  // With the parent its end of the pipe is gone: EPIPE on a log line must not cut the drain short.
}

function stop(): void {
  // A command that listens for itself stops by itself; a signal on top would be its second one.
  if (process.listenerCount('disconnect') === 0) process.kill(process.pid, 'SIGTERM');
}

// Undefined where there never was a channel. Not connected: the parent went before we came here, and the event is past.
if (process.channel !== undefined) {
  if (process.connected) {
    process.stdout.on('error', quiet);
    process.stderr.on('error', quiet);
    process.once('disconnect', stop);
    // The channel alone keeps nobody alive, however many listen for its end.
    process.channel?.unref();
  } else {
    stop();
  }
}
