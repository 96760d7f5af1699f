import { DEAD, EXCHANGE, INGEST, OUTPUT } from '../layout.ts';
import { outputTypeOf, type Scenario } from '../scenario.ts';

// The settings of the gateway under test: what a plant would have, with nothing switched off.

const UNITS = { temperature: 'Cel', humidity: '%RH', battery: '%' };
/** Of the rules, so many are in use: each for the devices of one site. */
const IN_USE = 10;

/** `stateDir`: folder of this gateway alone. */
export function settingsOf(scenario: Scenario, amqpUrl: string, stateDir: string, httpPort: number): object {
  const { queueType, prefetch } = scenario;
  return {
    gateway: { name: 'bench', stateDir },
    rabbitmq: { url: amqpUrl },
    source: { queue: INGEST, topics: ['#'], type: queueType, prefetch },
    limits: { messageBytes: 1_048_576, depth: 32 },
    dedupe: { entries: 100_000, windowSeconds: 600 },
    profiles: Array.from({ length: scenario.profiles }, (_, i) => profileOf(scenario.payload, `kind${i}`, i)),
    exchanges: [{ name: EXCHANGE, type: 'topic' }],
    queues: [{ name: OUTPUT, type: outputTypeOf(scenario), bindings: [{ exchange: EXCHANGE, routingKey: '#' }] }],
    routes: routes(scenario),
    deadLetters: { exchange: DEAD, queue: DEAD },
    http: { host: '127.0.0.1', port: httpPort },
  };
}

/** `i`: which of the profiles; it begins the topics of their devices. */
export function profileOf(payload: string, name: string, i = 0): object {
  const [format = ''] = payload.split(':');
  switch (format) {
    case 'json':
      return {
        name,
        topics: [`k${i}/{site}/{device}/telemetry`],
        codec: 'json',
        device: '{site}/{device}',
        time: { from: '$.time', unit: 'ms' },
        sequence: '$.seq',
        values: '$.values',
        units: UNITS,
        ranges: { temperature: [-40, 85], humidity: [0, 100] },
        tags: { site: '{site}', kind: '$.kind' },
      };
    case 'senml':
      return {
        name,
        topics: [`k${i}/{site}/{device}/telemetry`],
        codec: 'senml-json',
        device: '$.device',
        deviceElse: '{device}',
        time: { from: '$.time', unit: 's' },
        values: '$.values',
        unitsFrom: '$.units',
        tags: { site: '{site}' },
      };
    case 'sparkplug':
      return {
        name,
        topics: ['spBv1/0/#'],
        codec: 'sparkplug',
        device: '$.device',
        time: { from: '$.time', unit: 'ms' },
        values: '$.values',
        unitsFrom: '$.units',
        flagsFrom: '$.flags',
        tags: { site: '$.group', node: '$.node' },
      };
    case 'stamped':
      // Topic and payload of load/load.ts.
      return {
        name,
        topics: ['{site}/{client}/{device}'],
        codec: 'json',
        device: '{client}/{device}',
        sequence: '$.stamp',
        // By name: what tells the sequence would be left out otherwise.
        values: { stamp: '$.stamp', temperature: '$.temperature', humidity: '$.humidity' },
        units: { temperature: 'Cel', humidity: '%RH' },
        tags: { site: '{site}' },
      };
    case 'line-protocol':
      return {
        name,
        topics: [`k${i}/{site}/{device}/thermostat`],
        codec: 'line-protocol',
        device: '{site}/{device}',
        time: { from: '$.time', unit: 'ns' },
        values: '$.values',
        tagsFrom: '$.tags',
        tags: { site: '{site}', measurement: '$.measurement' },
      };
    default:
      throw new Error(`no profile for payload ${payload}`);
  }
}

/** A rule for alarms, which none of the readings is, then those that take the readings; each decides by an expression. */
function routes({ routes: count, sites, batch, ageMs }: Scenario): object[] {
  const target = { exchange: EXCHANGE, batch: { count: batch, bytes: 1_048_576, ageMs }, encoding: 'json' };
  const alarms = { name: 'alarms', when: "'temperature' in values && values.temperature > 80.0", ...target, routingKey: 'alarm', batch: { count: 1 } };
  if (count < IN_USE) return [alarms, { name: 'readings', when: "tags.site != 'nowhere'", ...target, routingKey: 'readings.{tags.site}' }];
  const apart = Math.floor(count / IN_USE);
  const rules = Array.from({ length: count }, (_, i) => {
    const inUse = i % apart === 0 && i / apart < sites;
    const site = inUse ? `s${i / apart}` : `other${i}`;
    return { name: `route${i}`, topics: [`+/${site}/#`], when: `tags.site == '${site}'`, ...target, routingKey: 'readings.{tags.site}' };
  });
  return [alarms, ...rules];
}
