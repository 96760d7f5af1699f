import type { BrokerUser } from './definitions.ts';

/**
 * An account for one site (all devices below `devices/SITE/`), or for one device of it (`devices/SITE/DEVICE/`).
 * Only `A-Z a-z 0-9 _ -` may stand in either, at most 64 of them.
 */
export interface DeviceAccount {
  /** The site. */
  readonly name: string;
  readonly device?: string | undefined;
  readonly password: string;
}

/** Goes into regular expressions, and `{username}` is put into one by the broker, unescaped up to 2026. */
const SAFE_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * At most 200 bytes: a longer one than 255 is PUBACKed and then kills every AMQP consumer that it is delivered to. No
 * control characters: MQTT allows none (1.5.3), RabbitMQ takes them all. `\z`, because `$` also matches before a last newline.
 */
const SANE_TOPIC = '(?=[^\\x00-\\x1f\\x7f]{1,200}\\z)';

/** The user name: the site, or `SITE.DEVICE`. A dot cannot stand in either, so no two accounts share a name. */
export function deviceUserName(account: Pick<DeviceAccount, 'name' | 'device'>): string {
  return account.device === undefined ? account.name : `${account.name}.${account.device}`;
}

/**
 * Rights of a device: publish below its own topics, subscribe to its own topics and commands, and nothing else. The
 * broker keeps the subscriptions of an MQTT client in queues that are named after its client id, which the device
 * chooses: only ids that begin with the account's name are given queues, or any account could read (over AMQP, or as
 * an MQTT session of the same id) what waits for another. Tried against RabbitMQ 3.10.8.
 */
export function deviceUser(account: DeviceAccount, exchange: string): BrokerUser {
  const { name, device, password } = account;
  if (!SAFE_NAME.test(name) || (device !== undefined && !SAFE_NAME.test(device))) {
    throw new Error(
      `device account '${device === undefined ? name : `${name}/${device}`}': only A-Z, a-z, 0-9, _ and - may stand in the name, at most 64 of them`,
    );
  }
  const user = deviceUserName(account);
  const level = device === undefined ? '{username}' : `${name}\\.${device}`;
  const subscriptions = `mqtt-subscription-${literal(user)}([.:/].*)?qos[01]`;
  return {
    name: user,
    password,
    tags: [],
    // The MQTT plugin declares and binds a queue per subscriber on behalf of the device.
    configure: `^${subscriptions}$`,
    write: `^(${literal(exchange)}|${subscriptions})$`,
    read: `^(${literal(exchange)}|${subscriptions})$`,
    topics: [{ exchange, write: `^${SANE_TOPIC}devices\\.${level}\\..+`, read: `^${SANE_TOPIC}(devices|commands)\\.${level}\\..+` }],
  };
}

/** The text as a regular expression that matches it and nothing else. */
export function literal(text: string): string {
  return text.replaceAll(/[\\^$.|?*+()[\]{}]/g, '\\$&');
}

/** `rabbitmqctl` lines that make the account. They hold no password: `add_user` asks for it. */
export function deviceCommands(user: BrokerUser, vhost: string): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const lines = [
    `rabbitmqctl add_user ${quoted(user.name)}`,
    `rabbitmqctl set_permissions -p ${quoted(vhost)} ${[user.name, user.configure, user.write, user.read].map(quoted).join(' ')}`,
    ...user.topics.map((t) => `rabbitmqctl set_topic_permissions -p ${quoted(vhost)} ${[user.name, t.exchange, t.write, t.read].map(quoted).join(' ')}`),
  ];
  return `${lines.join('\n')}\n`;
}
