/** Commas between whole URLs. One within a password stays: what follows it is no scheme, because a password holds no bare `/`. */
const BETWEEN = /\s*,\s*(?=[a-z][a-z0-9+.-]*:\/\/)/i;
const PORTS: Readonly<Record<string, number>> = { 'amqp:': 5672, 'amqps:': 5671 };

/** `amqp://a, amqp://b` is two URLs: one variable of the environment can name every node of a cluster. */
export function splitUrls(text: string): string[] {
  return text.trim().split(BETWEEN);
}

/** `host:port` of an AMQP URL: names a node in logs, metrics and messages, without user or password. */
export function addressOf(url: string): string {
  if (!URL.canParse(url)) return '(not a URL)';
  const { protocol, hostname, port } = new URL(url);
  return `${hostname.toLowerCase()}:${port === '' ? (PORTS[protocol] ?? '') : port}`;
}

/** amqplib takes user and password `guest` where a URL names none; RabbitMQ lets that user in from loopback only. */
export const LOCAL_BROKER = 'amqp://localhost:5672';

/** Virtual host of an AMQP URL; no path means `/`. */
export function vhostOf(url: string): string {
  const path = new URL(url).pathname.slice(1);
  return path === '' ? '/' : decodeURIComponent(path);
}

/** All URLs of one list name nodes of one cluster, so the virtual host of the first is that of all. */
export function sharedVhost([first = LOCAL_BROKER]: readonly string[]): string {
  return vhostOf(first);
}
