import type { SessionOptions } from '../rabbit/session.ts';
import { tlsOptions } from '../rabbit/tls.ts';
import type { Settings } from '../settings/load.ts';

/** What the settings say about a connection of this name, in the terms of `Session`. A start fails at once for what waiting cannot mend. */
export function sessionOptions(settings: Settings, name: string): Omit<SessionOptions, 'observer' | 'scheduler'> {
  const { gateway, rabbitmq } = settings;
  return {
    name,
    connectionName: `${gateway.name}/${name}`,
    urls: rabbitmq.urls,
    heartbeatSeconds: rabbitmq.heartbeatSeconds,
    connectTimeoutMs: rabbitmq.connectTimeoutSeconds * 1000,
    tls: tlsOptions(rabbitmq.tls),
    expiryWarningDays: rabbitmq.tls?.expiryWarningDays,
    failFast: true,
  };
}
