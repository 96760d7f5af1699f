/** What became of messages; plain numbers, read when somebody asks. */
export class KeeperCounts {
  /** Handed to the keeper in this process. */
  received = 0;
  /** Of them, went into memory first. */
  live = 0;
  /** Of them, went into the spool alone first. */
  spooled = 0;
  /** Copies of live messages in the spool, written because their confirm took long. */
  copied = 0;
  /** The outlet has them for good; with those that an earlier process received. */
  forwarded = 0;
  /** Of them, were late. */
  late = 0;
  /** QoS 0 that was best effort and could not be sent. */
  dropped = 0;
  /** Given up by the outlet, and kept elsewhere. */
  refused = 0;
}
