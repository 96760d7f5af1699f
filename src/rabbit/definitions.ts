import { createHash, randomBytes } from 'node:crypto';
import { type DeviceAccount, deviceUser, literal } from './device-account.ts';
import type { Topology } from './topology.ts';

/** A RabbitMQ account with its rights: three regular expressions over names of exchanges and queues. */
export interface BrokerUser {
  readonly name: string;
  readonly password: string;
  readonly tags: readonly string[];
  readonly configure: string;
  readonly write: string;
  readonly read: string;
  /** Rights on routing keys of topic exchanges; an exchange that is not named here is not restricted. */
  readonly topics: readonly { readonly exchange: string; readonly write: string; readonly read: string }[];
}

export interface LocalUserOptions {
  readonly gateway: { readonly name: string; readonly password: string };
  readonly consumer: { readonly name: string; readonly password: string };
  /** Accounts of devices, one per site or one per device. */
  readonly devices: readonly DeviceAccount[];
  /** Where devices publish; default `amq.topic`. */
  readonly exchange?: string | undefined;
  /** Looks at dead letters and at the management pages, and changes nothing. */
  readonly operator?: { readonly name: string; readonly password: string } | undefined;
  /** For people and for tests that need the management interface. */
  readonly admin?: { readonly name: string; readonly password: string } | undefined;
}

/**
 * The roles with no more rights than they use. Tried against RabbitMQ 3.10.8: each line without one of its
 * rights fails a test.
 */
export function localUsers(topology: Topology, options: LocalUserOptions): BrokerUser[] {
  const own = topology.exchanges.map((e) => e.name).concat(topology.queues.map((q) => q.name));
  const sources = topology.bindings.map((b) => b.source);
  const users: BrokerUser[] = [
    {
      ...options.gateway,
      tags: [],
      configure: names(own),
      // Publishing, binding (needs write on the queue) and naming a dead-letter exchange; commands where a codec sends them.
      // `amq.default` is the default exchange, through which dead letters are replayed into the ingest queue.
      write: names([...own, 'amq.default', ...(topology.commands === undefined ? [] : [topology.commands])]),
      // Consuming, and binding (needs read on the exchange).
      read: names([...own, ...sources]),
      topics: [],
    },
    {
      ...options.consumer,
      tags: [],
      // Temporary queues named by the broker, to tap a live exchange.
      configure: '^amq\\.gen-.*$',
      write: '^amq\\.gen-.*$',
      read: '^(sluice\\.(out\\..*|dead|live)|amq\\.gen-.*)$',
      topics: [],
    },
    ...options.devices.map((device) => deviceUser(device, options.exchange ?? 'amq.topic')),
  ];
  if (options.operator !== undefined) {
    // An expression that matches no name at all: the default exchange goes by `amq.default` here.
    users.push({ ...options.operator, tags: ['monitoring'], configure: '^$', write: '^$', read: '^sluice\\.dead$', topics: [] });
  }
  if (options.admin !== undefined) users.push({ ...options.admin, tags: ['administrator'], configure: '.*', write: '.*', read: '.*', topics: [] });
  return users;
}

/** One expression for all `sluice.` names, and each other name as it stands. */
function names(all: readonly string[]): string {
  const others = [...new Set(all)].filter((name) => !name.startsWith('sluice.')).map(literal);
  return `^(${['sluice\\..*', ...others].join('|')})$`;
}

export interface DefinitionsOptions {
  readonly vhost?: string | undefined;
  /** 4 bytes; random unless a test wants the same file twice. */
  readonly salt?: ((user: string) => Buffer) | undefined;
}

/** A RabbitMQ definitions file (`load_definitions`, `rabbitmqctl import_definitions`): users without plain passwords, rights and topology. */
export function definitionsJson(topology: Topology, users: readonly BrokerUser[], options: DefinitionsOptions = {}): string {
  const vhost = options.vhost ?? '/';
  const salt = options.salt ?? (() => randomBytes(4));
  const definitions = {
    users: users.map((u) => ({
      name: u.name,
      password_hash: passwordHash(u.password, salt(u.name)),
      hashing_algorithm: 'rabbit_password_hashing_sha256',
      tags: u.tags,
      limits: {},
    })),
    vhosts: [{ name: vhost }],
    permissions: users.map((u) => ({ user: u.name, vhost, configure: u.configure, write: u.write, read: u.read })),
    topic_permissions: users.flatMap((u) => u.topics.map((t) => ({ user: u.name, vhost, exchange: t.exchange, write: t.write, read: t.read }))),
    parameters: [],
    policies: [],
    exchanges: topology.exchanges
      .filter((e) => !e.name.startsWith('amq.'))
      .map((e) => ({ name: e.name, vhost, type: e.type, durable: e.durable, auto_delete: false, internal: false, arguments: e.arguments })),
    queues: topology.queues.filter((q) => q.declare).map((q) => ({ name: q.name, vhost, durable: q.durable, auto_delete: false, arguments: q.arguments })),
    bindings: topology.bindings.map((b) => ({
      source: b.source,
      vhost,
      destination: b.queue,
      destination_type: 'queue',
      routing_key: b.routingKey,
      arguments: b.arguments,
    })),
  };
  return `${JSON.stringify(definitions, null, 2)}\n`;
}

/** base64(salt + SHA-256(salt + password)): RabbitMQ's "Credentials and Passwords" guide. */
export function passwordHash(password: string, salt: Buffer): string {
  if (salt.length !== 4) throw new RangeError('the salt has 4 bytes');
  const digest = createHash('sha256').update(salt).update(password, 'utf8').digest();
  return Buffer.concat([salt, digest]).toString('base64');
}
