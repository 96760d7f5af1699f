import { type Case, documentOf, type Format, numbersIn } from './formats.ts';

const topicIs =
  (pattern: RegExp) =>
  (one: Case): boolean =>
    one.topic !== undefined && pattern.test(one.topic);

const typeIs =
  (...types: string[]) =>
  (one: Case): boolean => {
    const document = documentOf(one.body) as { readonly [name: string]: unknown } | undefined;
    return types.includes(String(document?.['_type']));
  };

/** Under a key of one of these names, anywhere. */
function numbersUnder(keys: ReadonlySet<string>): (node: unknown) => (number | bigint)[] {
  const walk = (node: unknown): (number | bigint)[] => {
    if (typeof node !== 'object' || node === null) return [];
    return Object.entries(node).flatMap(([key, child]) => (keys.has(key) ? numbersIn(child) : walk(child)));
  };
  return walk;
}

/** The profile makes hertz of the megahertz of `Frequency`. */
function inHertz(node: unknown): (number | bigint)[] {
  if (typeof node !== 'object' || node === null) return numbersIn(node);
  return Object.entries(node).flatMap(([key, child]) => (key === 'Frequency' && typeof child === 'number' ? [child * 1e6] : inHertz(child)));
}

const SIGNED_VOLTAGE = 'the source takes the voltage byte for one with a sign (2.32 V); the vendor reads it without (3.344 V)';
const AM307_HISTORY = 'its stored values are four bytes longer than those of this model and have their high byte first: the payload is not read, and flagged';
const LORIOT_SF = 'the spreading factor is a part of the text `dr` (SF11 BW125 4/5), which is handed on as it came';
const TASMOTA_WORD = 'a word that one kind of set-up answers with; a word where JSON is due may as well be a broken device, so it is dead-lettered';

export const FORMATS: readonly Format[] = [
  {
    name: 'Tasmota',
    folders: ['tasmota'],
    profile: 'tasmota',
    aside: topicIs(/\/(?:LWT|INFO\d|STATUS\d?)$|^cmnd\//),
    exceptions: {
      'tasmota:67': TASMOTA_WORD,
      'tasmota:68': TASMOTA_WORD,
      'tasmota:182': TASMOTA_WORD,
    },
  },
  { name: 'Shelly, first generation', folders: ['shelly_gen1'], profile: 'shelly-gen1' },
  { name: 'Shelly, second generation', folders: ['shelly_gen2'], profile: 'shelly-gen2' },
  { name: 'Zigbee2MQTT', folders: ['zigbee2mqtt'], profile: 'zigbee2mqtt', aside: topicIs(/^zigbee2mqtt\/bridge\/|\/availability$/) },
  { name: 'ESPHome and plain values', folders: ['esphome_and_scalars'], profile: 'esphome', aside: topicIs(/^homeassistant\/|\/status$/) },
  { name: 'OpenMQTTGateway, Theengs', folders: ['theengs_openmqttgateway'], profile: 'openmqttgateway' },
  { name: 'rtl_433', folders: ['rtl_433'], profile: 'rtl-433' },
  {
    name: 'OwnTracks',
    folders: ['owntracks'],
    profile: 'owntracks',
    aside: (one) => topicIs(/\/(?:cmd|request|dump|waypoint)$/)(one) || typeIs('cmd', 'configuration')(one),
    exceptions: {
      'owntracks:17': 'its time is 1 s after 1970: a clock that was not set, so the time of receipt stands in its place and the reading is flagged',
      'owntracks:18': 'its time is 2 s after 1970: as above',
    },
  },
  { name: 'Homie', folders: ['homie'], profile: 'homie4', aside: topicIs(/\/\$(?!stats\/uptime)/) },
  {
    name: 'The Things Stack',
    folders: ['ttn_v3', 'ttn_v3_docs'],
    profile: 'ttn-v3',
    aside: topicIs(/\/(?:join|down\/.*)$/),
    unfound: { 'ttn_v3:29': SIGNED_VOLTAGE },
  },
  {
    name: 'ChirpStack 4',
    folders: ['chirpstack_v4', 'chirpstack_v4_docs'],
    profile: 'chirpstack-v4',
    aside: topicIs(/\/(?:join|txack|ack|log)$/),
    unfound: { 'chirpstack_v4:29': SIGNED_VOLTAGE, 'chirpstack_v4:47': AM307_HISTORY },
  },
  {
    name: 'LORIOT',
    folders: ['loriot'],
    profile: 'loriot',
    unfound: Object.fromEntries(
      ['5TM/payload', '5TM/payload_01', '5TM/payload_2', 'ATM22/payload', 'ATM22/payload_01', 'ATM22/payload_2'].map((name) => [
        `loriot/Decentlab_DL-${name}.json`,
        LORIOT_SF,
      ]),
    ),
  },
  { name: 'Actility ThingPark', folders: ['actility_thingpark'], profile: 'actility-thingpark', numbers: inHertz },
  {
    name: 'Milesight',
    folders: ['milesight'],
    profile: 'milesight',
    exceptions: {
      'milesight:11': 'it holds stored values, whose length depends on the model of the device, which the payload does not tell: it is handed on as it came',
      'milesight:16': 'it is a frame of an NB-IoT device, another format',
    },
  },
  {
    name: 'OPC UA PubSub (JSON)',
    folders: ['opcua_pubsub'],
    profile: 'opcua-pubsub',
    numbers: numbersUnder(new Set(['Payload', 'Value'])),
    aside: (one) => one.body.includes('"ua-keepalive"'),
  },
  {
    name: 'SenML',
    folders: ['senml'],
    profile: 'senml',
    // Base values and times add to those of the records: what counts is what the records resolve to.
    numbers: () => [],
    exceptions: {
      'senml/ex1.gen.json': 'its record has no time; the expected one is the clock of the tool that resolved it',
      'senml/ex1.json': 'as above',
      'senml/silkeh_example_0.json': 'its records have neither name nor base name, which RFC 8428 section 4.5.1 forbids',
    },
  },
  { name: 'Line protocol', folders: ['line_protocol'], profile: 'line-protocol' },
];
