/**
 * Which of several addresses a session tries, and when it pauses. After a failure, or a loss, the next one in the order of
 * the list has its turn at once; once all of them have had one, there is a pause. So a node that dies costs no wait where
 * another one lives, and between two pauses there are never more attempts than addresses, also where connections are made and
 * lost again at once. A list of one is the usual back-off.
 */
export class AddressRound {
  private readonly count: number;
  private at = 0;
  private tried = 0;
  private pauses = 0;

  constructor(count: number) {
    this.count = count;
  }

  /** Number of the address whose turn it is. */
  get index(): number {
    return this.at;
  }

  /** The connection was a good one: what comes now is a new round, which its loss begins. */
  proven(): void {
    this.tried = 0;
    this.pauses = 0;
  }

  /** Pauses do not grow from here on. */
  calm(): void {
    this.pauses = 0;
  }

  /** The address did not work out, or its connection was lost: the next one has its turn. Answers the number of the pause before it, from 1; 0: at once. */
  next(): number {
    this.at = (this.at + 1) % this.count;
    this.tried += 1;
    if (this.tried < this.count) return 0;
    this.tried = 0;
    this.pauses += 1;
    return this.pauses;
  }
}
