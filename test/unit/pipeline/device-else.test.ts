import { describe, expect, it } from 'vitest';
import { checkProfile } from '../../../src/domain/profile-plan.ts';
import { message, normaliser, outcome, profile, readings } from './normalise-support.ts';

const BOTH = { topics: ['gw/{gateway}/events', 'gw/{gateway}/devices/{device}'], values: '$.v' };

describe('deviceElse', () => {
  it('names the device where the topic does not', () => {
    const gateway = normaliser({ ...BOTH, device: '{device}', deviceElse: '$.id' });
    const device = (topic: string, body: string): string | undefined => readings(gateway.normalise(message(body, { topic })))[0]?.device;
    expect(device('gw/a/devices/d1', '{"id":"other","v":{"a":1}}')).toBe('d1');
    expect(device('gw/a/events', '{"id":7,"v":{"a":1}}')).toBe('7');
    expect(device('gw/a/devices/', '{"id":"d2","v":{"a":1}}')).toBe('d2');
  });

  it('names the device where the payload does not', () => {
    const gateway = normaliser({ ...BOTH, device: '$.id', deviceElse: '{gateway}' });
    expect(readings(gateway.normalise(message('{"v":{"a":1}}', { topic: 'gw/a/events' })))[0]?.device).toBe('a');
    expect(readings(gateway.normalise(message('{"id":"","v":{"a":1}}', { topic: 'gw/a/events' })))[0]?.device).toBe('a');
    expect(readings(gateway.normalise(message('{"id":"d3","v":{"a":1}}', { topic: 'gw/a/events' })))[0]?.device).toBe('d3');
  });

  it('leaves a message without a name to the dead letters', () => {
    const gateway = normaliser({ ...BOTH, device: '{device}', deviceElse: '$.id' });
    expect(outcome(gateway.normalise(message('{"v":{"a":1}}', { topic: 'gw/a/events' })))).toBe('DEVICE_MISSING');
  });

  it('is checked', () => {
    expect(checkProfile(profile({ ...BOTH, device: '{device}' }))).toEqual([expect.stringContaining('does not capture {device}')]);
    expect(checkProfile(profile({ ...BOTH, device: '{device}', deviceElse: '$.id' }))).toEqual([]);
    expect(checkProfile(profile({ ...BOTH, device: '{device}', deviceElse: '{nothing}' }))).toEqual(['deviceElse: no topic template captures {nothing}']);
  });
});
