/** Calls to the answer run `action` once, later in this turn of the event loop; `defer`: `setImmediate` or what does the same, save in tests. */
export function onceATurn(defer: (fn: () => void) => void, action: () => void): () => void {
  let deferred = false;
  return () => {
    if (deferred) return;
    deferred = true;
    defer(() => {
      deferred = false;
      action();
    });
  };
}
