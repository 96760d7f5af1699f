export interface UserClientsOptions {
  /** Most client ids of one account; 0: no bound. */
  readonly most: number;
  readonly isConnected: (clientId: string) => boolean;
  readonly hasSession: (clientId: string) => boolean;
  /** Of the sessions that an earlier process left, once. */
  readonly sessionIds: () => Iterable<string>;
  /** The account whose own the client id is; undefined where none claims it. */
  readonly ownerOf: (clientId: string) => string | undefined;
}

/**
 * The client ids that each account uses: of those who are connected, and of those away whose session is kept. Without a bound on them one
 * device could take all the connections and sessions that there are. Where an account may use ids that are not its own, those
 * that it left before this process began count from when they come back.
 */
export class UserClients {
  private readonly options: UserClientsOptions;
  private readonly users = new Map<string, Set<string>>();
  /** Log-ins under way, neither connected yet nor gone, with their client ids; and how many there are of each id. */
  private readonly entering = new Map<object, string>();
  private readonly entries = new Map<string, number>();

  constructor(options: UserClientsOptions) {
    this.options = options;
    if (options.most === 0) return;
    for (const clientId of options.sessionIds()) {
      const owner = options.ownerOf(clientId);
      if (owner !== undefined) this.of(owner).add(clientId);
    }
  }

  /** Whether the account may use this id, too, for a connection that logs in; from then on it does. */
  mayEnter(connection: object, user: string, clientId: string): boolean {
    const { most, isConnected, hasSession } = this.options;
    if (most === 0) return true;
    const ids = this.of(user);
    if (ids.size >= most && !ids.has(clientId)) {
      // Who went is noticed when there is a use for its place.
      for (const id of ids) if (!isConnected(id) && !hasSession(id) && !this.entries.has(id)) ids.delete(id);
      if (ids.size >= most) return false;
    }
    ids.add(clientId);
    this.entering.set(connection, clientId);
    this.entries.set(clientId, (this.entries.get(clientId) ?? 0) + 1);
    return true;
  }

  /** The client is connected, or the connection is gone. */
  entered(connection: object): void {
    const clientId = this.entering.get(connection);
    if (clientId === undefined) return;
    this.entering.delete(connection);
    const count = this.entries.get(clientId) ?? 0;
    if (count > 1) this.entries.set(clientId, count - 1);
    else this.entries.delete(clientId);
  }

  private of(user: string): Set<string> {
    let ids = this.users.get(user);
    if (ids === undefined) {
      ids = new Set();
      this.users.set(user, ids);
    }
    return ids;
  }
}
