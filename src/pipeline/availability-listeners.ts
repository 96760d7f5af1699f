/** Who wants to know when an outlet can be sent to, and when no longer. */
export class AvailabilityListeners {
  private readonly listeners = new Set<() => void>();
  private readonly isAway: () => boolean;
  private told: boolean;

  /** `told`: what is known to the listeners before the first change. */
  constructor(isAway: () => boolean, told: boolean) {
    this.isAway = isAway;
    this.told = told;
  }

  /** Answers how to stop. */
  add(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Tells, where it is another than they were told last. */
  tell(): void {
    const away = this.isAway();
    if (away === this.told) return;
    this.told = away;
    for (const listener of this.listeners) listener();
  }
}
