import type { Options } from 'amqplib';

/** A broker URL for amqplib. In parts rather than as text, so that the heartbeat of the settings holds and a `/` in a password needs no second escape. */
export function brokerAddress(url: string, heartbeat: number): Options.Connect {
  const parts = new URL(url);
  return {
    protocol: parts.protocol.slice(0, -1),
    hostname: parts.hostname.replaceAll(/^\[|\]$/g, ''),
    ...(parts.port === '' ? {} : { port: Number(parts.port) }),
    ...(parts.username === '' ? {} : { username: decodeURIComponent(parts.username), password: decodeURIComponent(parts.password) }),
    // amqplib unescapes it.
    vhost: parts.pathname.slice(1),
    heartbeat,
  };
}
