/** Writes to standard output; resolves with false once the reader has left (`| head`). */
export function standardOutput(): (text: string) => Promise<boolean> {
  let gone = false;
  // Handled in the callback of the write.
  process.stdout.on('error', () => {});
  return (text) =>
    new Promise((resolve) => {
      if (gone) resolve(false);
      else
        process.stdout.write(text, (error) => {
          gone ||= error !== null && error !== undefined;
          resolve(!gone);
        });
    });
}
