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
  /** Connections that log in, neither connected yet nor gone, by their client ids. */
  private readonly entering = new Map<string, Set<object>>();

  constructor(options: UserClientsOptions) {
    this.options = options;
    if (options.most === 0) return;
    for (const clientId of options.sessionIds()) {
      const owner = options.ownerOf(clientId);
      if (owner !== undefined) setOf(this.users, owner).add(clientId);
    }
  }

  /** Whether the account may use this id, too, for a connection that logs in; from then on it does. */
  mayEnter(connection: object, user: string, clientId: string): boolean {
    const { most, isConnected, hasSession } = this.options;
    if (most === 0) return true;
    const ids = setOf(this.users, user);
    if (ids.size >= most && !ids.has(clientId)) {
      // Who went is noticed when there is a use for its place.
      for (const id of ids) if (!isConnected(id) && !hasSession(id) && !this.entering.has(id)) ids.delete(id);
      if (ids.size >= most) return false;
    }
    ids.add(clientId);
    setOf(this.entering, clientId).add(connection);
    return true;
  }

  /** The client is connected, or the connection is gone. */
  entered(connection: object, clientId: string): void {
    const others = this.entering.get(clientId);
    if (others?.delete(connection) === true && others.size === 0) this.entering.delete(clientId);
  }
}

function setOf<T>(sets: Map<string, Set<T>>, key: string): Set<T> {
  let set = sets.get(key);
  if (set === undefined) {
    set = new Set();
    sets.set(key, set);
  }
  return set;
}
