import { describe, expect, it } from 'vitest';
import { brokerFacts } from '../../../src/rabbit/probe.ts';

describe('probe', () => {
  it.each([
    ['3.9.29', /older than 3\.10/],
    ['3.10.8', /MQTT 3\.1\.1 only/],
    ['3.12.14', /MQTT 3\.1\.1 only/],
    ['4.0.0', /x-delivery-limit/],
    ['4.2.9', /x-delivery-limit/],
    ['next', /cannot be read/],
  ])('warns of %s', (version, warning) => {
    expect(brokerFacts('RabbitMQ', version, undefined).warnings.join('\n')).toMatch(warning);
  });

  it.each(['3.13.7', '4.3.5', '5.0.0'])('has nothing against %s', (version) => {
    expect(brokerFacts('RabbitMQ', version, 'c')).toEqual({ product: 'RabbitMQ', version, cluster: 'c', warnings: [] });
  });

  it('warns of another broker', () => {
    expect(brokerFacts('LavinMQ', '2.0.0', undefined).warnings.join()).toMatch(/not RabbitMQ/);
  });
});
