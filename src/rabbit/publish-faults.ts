import { type Fault, failed, fault, type Result } from '../domain/fault.ts';

/** The channel is gone, and nobody knows what became of what was on its way. */
export function lost(): Fault {
  return fault('NOT_CONNECTED', 'the channel was lost before the confirm');
}

export function aborted(): Result<void> {
  return failed('NOT_CONNECTED', 'the publish was given up before the confirm');
}

export function nacked(exchange: string): Fault {
  return fault(
    'BROKER_NACK',
    `the broker refused a message to exchange '${exchange}' (basic.nack): a queue behind it is full (overflow reject-publish) or has no leader`,
  );
}

/** `text`: of basic.return. */
export function unroutable(exchange: string, routingKey: string, text: string): Result<void> {
  return failed('UNROUTABLE', `exchange '${exchange}' has no queue for routing key '${routingKey}' (${text})`);
}

export function noSuchExchange(exchange: string, text: string): Fault {
  return fault('UNROUTABLE', `exchange '${exchange}' does not exist: ${text}. Declare it (sluice topology --apply)`);
}

export function noRight(exchange: string, text: string): Fault {
  const where = exchange === '' ? "the default exchange (grant write on 'amq.default')" : `exchange '${exchange}'`;
  return fault('ACCESS_REFUSED', `no right to write to ${where}: ${text}`);
}
