import type { Ledger } from '../domain/ledger.ts';
import type { StoringKeeper } from '../edge/keeper.ts';
import type { Spool } from '../edge/spool/spool.ts';

export interface EdgeBooksOptions {
  readonly ledger: Ledger;
  readonly keeper: StoringKeeper;
  readonly spool: Spool;
}

/**
 * Puts into the ledger what the keeper does not see: what an earlier process left in the spool counts as received, what became too
 * old or made room as filtered, and what damage on the disk has cost as abandoned.
 */
export class EdgeBooks {
  private readonly options: EdgeBooksOptions;
  private dropped = 0;
  private lost = 0;

  constructor(options: EdgeBooksOptions) {
    this.options = options;
    options.ledger.messages.received += options.spool.stats().messages;
  }

  /** Messages that are owed, counted where they are. */
  held(): number {
    const { ledger, keeper, spool } = this.options;
    const { messages, expired, droppedQos0, lost } = spool.stats();
    for (; this.dropped < expired + droppedQos0; this.dropped += 1) ledger.messageSettled('filtered');
    for (; this.lost < lost; this.lost += 1) ledger.messageSettled('abandoned');
    return keeper.bareCount + messages;
  }
}
