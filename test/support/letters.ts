import type { Letter } from '../../src/domain/letter.ts';

/** A letter of the gateway, of a whole message. */
export function letter(overrides: Partial<Letter> = {}): Letter {
  return {
    id: 'd1',
    origin: 'gateway',
    code: 'DECODE_INVALID',
    stage: 'decode',
    message: 'not JSON',
    topic: 'devices/hall/d1/telemetry',
    routingKey: 'devices.hall.d1.telemetry',
    attempts: 0,
    replays: 0,
    firstId: 'd1',
    scope: 'message',
    route: undefined,
    readingId: undefined,
    readings: undefined,
    device: undefined,
    receivedAt: 1_700_000_000_000,
    firstFailedAt: 1_700_000_000_500,
    buriedAt: 1_700_000_001_000,
    config: 'c1',
    contentType: undefined,
    contentEncoding: undefined,
    qos: 1,
    size: 20,
    ...overrides,
  };
}
