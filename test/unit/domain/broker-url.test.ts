import { describe, expect, it } from 'vitest';
import { addressOf, splitUrls, vhostOf } from '../../../src/domain/broker-url.ts';

describe('AMQP URLs', () => {
  it('are parted at commas between them, and nowhere else', () => {
    expect(splitUrls('amqp://a')).toEqual(['amqp://a']);
    expect(splitUrls(' amqp://u:p@a/v , amqps://b:5671,amqp://c ')).toEqual(['amqp://u:p@a/v', 'amqps://b:5671', 'amqp://c']);
    // RFC 3986, 3.2.1: a comma may stand in a password, a slash may not.
    expect(splitUrls('amqp://u:a,b,amqp@h,amqp://u:,,@i')).toEqual(['amqp://u:a,b,amqp@h', 'amqp://u:,,@i']);
    expect(splitUrls('amqp://a,')).toEqual(['amqp://a,']);
  });

  it('name a node without its account', () => {
    expect(['amqp://u:p@Host/v', 'amqps://h', 'amqp://[::1]:5673', 'amqp://h:1'].map(addressOf)).toEqual(['host:5672', 'h:5671', '[::1]:5673', 'h:1']);
    expect(addressOf('nonsense')).toBe('(not a URL)');
  });

  it('lead to a virtual host', () => {
    expect(['amqp://h', 'amqp://h/', 'amqp://h/plant', 'amqp://h/%2Fprod'].map(vhostOf)).toEqual(['/', '/', 'plant', '/prod']);
  });
});
