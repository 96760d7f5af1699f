export class Listeners {
  private readonly all: Set<() => void> = new Set();

  /** Answers how to stop listening. */
  add(listener: () => void): () => void {
    this.all.add(listener);
    return () => this.all.delete(listener);
  }

  call(): void {
    for (const listener of this.all) listener();
  }
}
