import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { topicMatches } from '../../../src/settings/lint/topology.ts';
import { GOOD, linesOf, type Given } from './workbench.ts';

const pem = (name: string): string => readFileSync(new URL(`../../vectors/tls/${name}.pem`, import.meta.url), 'utf8');
const PEMS: Given = { files: Object.fromEntries(['cert', 'key', 'locked-key', 'other-key'].map((name) => [name, pem(name)])) };
/** Settings with these keys of `rabbitmq.tls`, in line 15 from column 35 on. */
const tls = (keys: string): string => behind(`rabbitmq: { url: amqps://h, tls: { ${keys} } }`);

const PROFILE = "profiles:\n  - { name: json, topics: ['d/{device}/t'], device: '{device}' }\n";
const OUT = "exchanges: [{ name: out }]\nqueues: [{ name: kept, bindings: [{ exchange: out, routingKey: '#' }] }]\n";

interface Case {
  readonly name: string;
  /** Has it, and is told this. */
  readonly bad: string;
  readonly told: readonly (string | RegExp)[];
  /** The nearest settings that have it not. */
  readonly good: string;
  readonly given?: Given;
}

/** Settings with these routes, from line 5 on. */
const routes = (...lines: string[]): string => `${PROFILE}${OUT}routes:\n${lines.map((line) => `  - ${line}\n`).join('')}`;
const ALL = '{ name: all, exchange: out }';
const route = (keys: string, rest = ''): string => `${routes(`{ name: all, exchange: out, ${keys} }`)}${rest}`;
/** Good settings, and this behind them, from line 15 on. */
const behind = (more: string): string => `${GOOD}${more}\n`;
const topology = (exchange: string, queue: string, keys = "routingKey: 'k'"): string =>
  `${PROFILE}exchanges: [{ name: out${exchange} }]\nqueues: [{ name: kept${queue} }]\nroutes:\n  - { name: all, exchange: out, ${keys} }\n`;
const BOUND = ", bindings: [{ exchange: out, routingKey: '#' }]";
const profiles = (...lines: string[]): string => `profiles:\n${lines.map((line) => `  - ${line}\n`).join('')}${OUT}routes: [${ALL}]\n`;

const CASES: readonly Case[] = [
  {
    name: 'a batch larger than the prefetch never fills',
    bad: route('batch: { count: 500 }', 'source: { prefetch: 499 }\n'),
    told: [/^6:49 warning routes\[0\]\.batch\.count: with `source\.prefetch` 499 a batch of 500 never fills/],
    good: route('batch: { count: 500 }', 'source: { prefetch: 1000 }\n'),
  },
  {
    name: 'nobody waits for a batch without an age to fill',
    bad: route('batch: { ageMs: 1 }', 'source: { prefetch: 499 }\n'),
    told: [/^6:40 warning routes\[0\]\.batch\.count: .* never fills/],
    good: route('batch: { ageMs: 0 }', 'source: { prefetch: 499 }\n'),
  },
  {
    name: 'no second batch fills while the first is out',
    bad: route('batch: { count: 500 }', 'source: { prefetch: 999 }\n'),
    told: [/^6:49 warning routes\[0\]\.batch\.count: with `source\.prefetch` 999 no second batch of 500 fills .* sealed by age \(100 ms\)/],
    good: route('batch: { count: 1 }', 'source: { prefetch: 1 }\n'),
  },
  {
    name: 'readings wait longer than the confirm may take',
    bad: route('batch: { ageMs: 30000 }'),
    told: [/^6:49 warning routes\[0\]\.batch\.ageMs: readings wait for company longer/],
    good: route('batch: { ageMs: 29999 }'),
  },
  {
    name: 'the hold time comes near consumer_timeout',
    bad: route('batch: { ageMs: 870000 }'),
    told: [/^6:49 warning routes\[0\]\.batch\.ageMs: .*come near the broker's `consumer_timeout`/],
    good: route('batch: { ageMs: 20000 }'),
  },
  {
    name: 'the hold time is beyond consumer_timeout',
    bad: route('batch: { ageMs: 1800000 }'),
    told: [/^6:49 error routes\[0\]\.batch\.ageMs: .*`consumer_timeout`.*for ever/],
    good: route('batch: { count: 1, ageMs: 1800000 }'),
  },
  {
    name: 'burying takes longer than consumer_timeout',
    bad: route('buryAfterSeconds: 1800'),
    told: [/^6:51 warning routes\[0\]\.buryAfterSeconds: .*`consumer_timeout`/],
    good: route('buryAfterSeconds: 1799'),
  },
  {
    name: 'a batch is larger than a message may be',
    bad: route('batch: { bytes: 20000000 }'),
    told: [/^6:49 error routes\[0\]\.batch\.bytes: .*`rabbitmq\.maxMessageBytes` \(16777216\)/],
    good: route('batch: { bytes: 16777216 }'),
  },
  {
    name: 'a batch is larger than what may be in flight',
    bad: route('batch: { bytes: 65537 }', 'rabbitmq: { maxInFlightBytes: 65536 }\n'),
    told: [/^6:49 error routes\[0\]\.batch\.bytes: .*`rabbitmq\.maxInFlightBytes` \(65536\)/],
    good: route('batch: { bytes: 65536 }', 'rabbitmq: { maxInFlightBytes: 65536 }\n'),
  },
  {
    name: 'a lane is shorter than a batch',
    bad: route('overflow: dead-letter, laneReadings: 499'),
    told: [/^6:70 warning routes\[0\]\.laneReadings: is less than one batch/],
    good: route('overflow: dead-letter, laneReadings: 500'),
  },
  {
    name: 'a bound on the lane without overflow',
    bad: route('laneReadings: 499'),
    told: [/^6:47 warning routes\[0\]\.laneReadings: has no effect with `overflow: hold`/],
    good: route('overflow: hold'),
  },
  {
    name: 'a cap below the base',
    bad: behind('retry: { capMs: 50 }'),
    told: ['15:17 error retry.capMs: is below `retry.baseMs` (100)'],
    good: behind('retry: { capMs: 100 }'),
  },
  {
    name: 'the broker gives up first',
    bad: behind('source: { deliveryLimit: 100 }'),
    told: [/^15:26 warning source\.deliveryLimit: the broker gives up \(100\)/],
    good: behind('source: { deliveryLimit: 101 }'),
  },
  {
    name: 'deliveries of a classic queue are not counted',
    bad: behind('source: { type: classic, maxDeliveries: 5, deliveryLimit: 3 }'),
    told: [/^15:41 warning source\.maxDeliveries: has no effect/, /^15:59 warning source\.deliveryLimit: has no effect/],
    good: behind('source: { type: classic }'),
  },
  {
    name: 'a payload that cannot be dead-lettered whole',
    bad: behind('limits: { messageBytes: 2048 }\nrabbitmq: { maxMessageBytes: 2047, maxInFlightBytes: 524288 }').replace(
      "'{profile}'",
      "'{profile}'\n    batch: { bytes: 1024 }",
    ),
    told: [/^16:25 warning limits\.messageBytes: a payload may be longer/],
    good: behind('limits: { messageBytes: 2048 }\nrabbitmq: { maxMessageBytes: 2048 }').replace("'{profile}'", "'{profile}'\n    batch: { bytes: 1024 }"),
  },
  {
    name: 'an exchange that is not declared',
    bad: routes('{ name: all, exchange: otu }'),
    told: [/^6:28 warning routes\[0\]\.exchange: exchange "otu" is not declared here/],
    good: routes('{ name: all, exchange: amq.topic }'),
  },
  {
    name: 'a queue bound to an exchange that is not declared',
    bad: topology('', ", bindings: [{ exchange: out, routingKey: '#' }, { exchange: uot }]"),
    told: ['4:83 error queues[0].bindings[1].exchange: exchange "uot" is not declared'],
    good: topology('', ", bindings: [{ exchange: out, routingKey: '#' }, { exchange: amq.fanout }, { exchange: sluice.dead }]"),
  },
  {
    name: 'no queue bound to the exchange of a confirmed route',
    bad: topology('', ''),
    told: [/^6:28 warning routes\[0\]\.exchange: no queue here is bound to "out"/],
    good: topology(', alternateExchange: amq.fanout', ''),
  },
  {
    name: 'a direct exchange and a key that is not bound',
    bad: topology(', type: direct', ', bindings: [{ exchange: out, routingKey: other }]'),
    told: ['6:45 warning routes[0].routingKey: no queue here is bound to "out" for routing key "k"'],
    good: topology(', type: direct', ', bindings: [{ exchange: out, routingKey: k }]'),
  },
  {
    name: 'a topic exchange and a key that no pattern takes',
    bad: topology('', ", bindings: [{ exchange: out, routingKey: 'k.*' }]"),
    told: ['6:45 warning routes[0].routingKey: no queue here is bound to "out" for routing key "k"'],
    good: topology('', ", bindings: [{ exchange: out, routingKey: 'k.#' }]"),
  },
  {
    name: 'a direct exchange and no key at all',
    bad: topology(', type: direct', ', bindings: [{ exchange: out, routingKey: other }]', 'gzip: true'),
    told: [/^6:5 warning routes\[0\]\.routingKey: no queue here is bound to "out" for routing key ""/],
    good: topology(', type: direct', ', bindings: [{ exchange: out, routingKey: other }]', "routingKey: '{device}'"),
  },
  {
    name: 'a fanout exchange does not look at keys',
    bad: topology(', type: fanout', ''),
    told: [/^6:28 warning routes\[0\]\.exchange: no queue here is bound/],
    good: topology(', type: fanout', ', bindings: [{ exchange: out }]'),
  },
  {
    name: 'a headers exchange and no headers',
    bad: topology(', type: headers', ', bindings: [{ exchange: out, arguments: { x-match: any, a: b } }]'),
    told: [/^6:28 warning routes\[0\]\.exchange: "out" is a headers exchange/],
    good: topology(', type: headers', ', bindings: [{ exchange: out, arguments: { x-match: any, a: b } }]', 'headers: { a: b }'),
  },
  {
    name: 'a quorum queue with priorities',
    bad: topology('', `, maxPriority: 9${BOUND}`),
    told: [/^4:37 error queues\[0\]\.maxPriority: a quorum queue has no priorities/],
    good: topology('', `, type: classic, maxPriority: 9${BOUND}`),
  },
  {
    name: 'a quorum queue that is not durable',
    bad: topology('', `, durable: false${BOUND}`),
    told: [/^4:33 error queues\[0\]\.durable: a quorum queue is always durable/],
    good: topology('', `, type: classic, durable: false${BOUND}`),
  },
  {
    name: 'a priority that no queue looks at',
    bad: topology('', BOUND, "routingKey: 'k', priority: 5"),
    told: [/^6:60 warning routes\[0\]\.priority: no queue behind "out" has `maxPriority`/],
    good: topology('', `, type: classic, maxPriority: 9${BOUND}`, "routingKey: 'k', priority: 5"),
  },
  {
    name: 'overflow without a bound',
    bad: topology('', `, overflow: drop-head${BOUND}`),
    told: [/^4:34 warning queues\[0\]\.overflow: has no effect/],
    good: topology('', `, overflow: drop-head, maxLength: 5${BOUND}`),
  },
  {
    name: 'an argument that has a key of its own',
    bad: topology('', `, arguments: { x-max-length: 5 }${BOUND}`),
    told: ['4:51 error queues[0].arguments.x-max-length: `x-max-length` has a key of its own'],
    good: topology('', `, maxLength: 5, arguments: { x-single-active-consumer: true }${BOUND}`),
  },
  {
    name: 'an alternate exchange in the arguments',
    bad: topology(', arguments: { alternate-exchange: x }', BOUND),
    told: [/^3:59 error exchanges\[0\]\.arguments\.alternate-exchange: .*key of its own/],
    good: topology(', alternateExchange: sluice.dead', BOUND),
  },
  {
    name: 'an alternate exchange that is not declared',
    bad: topology(', alternateExchange: x', BOUND),
    told: ['3:45 warning exchanges[0].alternateExchange: exchange "x" is not declared here'],
    good: topology(', alternateExchange: amq.topic', BOUND),
  },
  {
    name: 'forwarding into the source queue',
    bad: topology('', BOUND).replace('name: kept', 'name: sluice.ingest'),
    told: ['4:18 error queues[0].name: queue "sluice.ingest" is the source queue already'],
    good: topology('', BOUND),
  },
  {
    name: 'a queue of the dead letters declared twice',
    bad: topology('', BOUND).replace('name: kept', 'name: sluice.dead'),
    told: ['4:18 error queues[0].name: queue "sluice.dead" is the queue of the dead letters already'],
    good: topology('', BOUND),
  },
  {
    name: 'an exchange of the dead letters declared twice',
    bad: topology('', BOUND).replace('[{ name: out }]', '[{ name: out }, { name: sluice.dead }]'),
    told: ['3:36 error exchanges[1].name: exchange "sluice.dead" is the exchange of the dead letters already'],
    good: topology('', BOUND),
  },
  {
    name: 'dead letters in the source queue',
    bad: behind('deadLetters: { queue: sluice.ingest }'),
    told: [/^15:23 error deadLetters\.queue: is the source queue/],
    good: behind('deadLetters: { queue: graveyard }'),
  },
  {
    name: 'rules behind one that takes everything',
    bad: routes(ALL, '{ name: late, exchange: out }', '{ name: later, topics: [a], exchange: out }'),
    told: [
      /^7:13 warning routes\[1\]\.name: rule "late" is never reached: "all" \(.*settings\.yaml:6\) takes every reading/,
      /^8:13 warning routes\[2\]\.name: rule "later" is never reached/,
    ],
    good: routes('{ name: all, exchange: out, continue: true }', '{ name: late, exchange: out }'),
  },
  {
    name: 'rules behind one that drops everything',
    bad: routes('{ name: none, drop: true }', ALL),
    told: [/^7:13 warning routes\[1\]\.name: rule "all" is never reached: "none"/],
    good: routes('{ name: none, topics: [a], drop: true }', ALL),
  },
  {
    name: 'best-effort that ends the search',
    bad: routes('{ name: live, exchange: out, delivery: best-effort, topics: [a] }', ALL),
    told: [/^6:44 error routes\[0\]\.delivery: best-effort would be the only taker/],
    good: routes('{ name: live, exchange: out, delivery: best-effort, topics: [a], continue: true }', ALL),
  },
  {
    name: 'best-effort with nothing behind it',
    bad: routes('{ name: live, exchange: out, delivery: best-effort, continue: true }'),
    told: [/^6:44 error routes\[0\]\.delivery: best-effort would be the only taker/],
    good: routes('{ name: all, exchange: out, continue: true }', '{ name: live, exchange: out, delivery: best-effort }'),
  },
  {
    name: 'two rules of one name',
    bad: routes('{ name: a, exchange: out, continue: true }', '{ name: a, exchange: out }'),
    told: [/^7:13 error routes\[1\]\.name: the name "a" is taken already \(.*settings\.yaml:6\)/],
    good: routes('{ name: a, exchange: out, continue: true }', '{ name: b, exchange: out }'),
  },
  {
    name: 'two queues of one name',
    bad: behind('').replace("'#' }\n", "'#' }\n  - { name: kept }\n"),
    told: [/^11:13 error queues\[1\]\.name: the name "kept" is taken already/],
    good: behind('').replace("'#' }\n", "'#' }\n  - { name: kept2 }\n"),
  },
  {
    name: 'two exchanges of one name',
    bad: behind('').replace('- name: out', '- name: out\n  - name: out'),
    told: [/^7:11 error exchanges\[1\]\.name: the name "out" is taken already/],
    good: behind('').replace('- name: out', '- name: out\n  - name: out2'),
  },
  {
    name: 'two profiles of one name',
    bad: profiles("{ name: a, topics: ['a/{d}'], device: '{d}' }", "{ name: a, topics: ['b/{d}'], device: '{d}' }"),
    told: [/^3:13 error profiles\[1\]\.name: the name "a" is taken already/],
    good: profiles("{ name: a, topics: ['a/{d}'], device: '{d}' }", "{ name: b, topics: ['b/{d}'], device: '{d}' }"),
  },
  {
    name: 'a profile that is not known',
    bad: route('profiles: [jsno]'),
    told: ['6:44 error routes[0].profiles[0]: profile "jsno" is not known'],
    good: route('profiles: [json]'),
  },
  {
    name: 'two templates for the same topics',
    bad: profiles("{ name: a, topics: ['a/{d}/t'], device: '{d}' }", "{ name: b, topics: ['x/{e}', 'a/{e}/t'], device: '{e}' }"),
    told: [/^3:34 error profiles\[1\]\.topics\[1\]: this template takes the same topics as one of profile "a" \(.*settings\.yaml:2\)/],
    good: profiles("{ name: a, topics: ['a/{d}/t'], device: '{d}' }", "{ name: b, topics: ['x/{e}', 'a/{e}/u'], device: '{e}' }"),
  },
  {
    name: 'a template behind a wider one',
    bad: profiles("{ name: a, topics: ['a/{d...}'], device: '{d}' }", "{ name: b, topics: ['a/{e}/t'], device: '{e}' }"),
    told: [/^3:25 warning profiles\[1\]\.topics\[0\]: no topic gets here: a template of profile "a"/],
    good: profiles("{ name: b, topics: ['a/{e}/t'], device: '{e}' }", "{ name: a, topics: ['a/{d...}'], device: '{d}' }"),
  },
  {
    name: 'a wildcard at the beginning does not take $SYS',
    bad: profiles("{ name: a, topics: ['+/{d}'], device: '{d}' }", "{ name: b, topics: ['SYS/{e}'], device: '{e}' }"),
    told: [/^3:25 warning profiles\[1\]\.topics\[0\]: no topic gets here/],
    good: profiles("{ name: a, topics: ['+/{d}'], device: '{d}' }", "{ name: b, topics: ['$SYS/{e}'], device: '{e}' }"),
  },
  {
    name: 'what the profile check of the domain finds, each at its key',
    bad: profiles("{ name: a, topics: ['a/{d}', 'a/{'], device: '{x}', each: 'y', tags: { t: '{z}' }, time: { from: '$[' } }"),
    told: [
      /^2:34 error profiles\[0\]\.topics\[1\]: /,
      /^2:50 error profiles\[0\]\.device: no topic template captures \{x\}/,
      /^2:63 error profiles\[0\]\.each: "y" is not a path/,
      /^2:79 error profiles\[0\]\.tags\.t: no topic template captures \{z\}/,
      /^2:102 error profiles\[0\]\.time\.from: /,
    ],
    good: profiles("{ name: a, topics: ['a/{d}'], device: '{d}', each: $.y, tags: { t: '{d}' }, time: { from: $.t } }"),
  },
  {
    name: 'a codec that is not known',
    bad: profiles("{ name: a, topics: ['a/{d}'], device: '{d}', codec: jsno }"),
    told: ['2:57 error profiles[0].codec: codec "jsno" is not known'],
    good: profiles("{ name: a, topics: ['a/{d}'], device: '{d}', codec: json }"),
    given: { options: { codecs: ['json'] } },
  },
  {
    name: 'an expression that does not parse',
    bad: route("when: 'values.a >'"),
    told: [/^6:39 error routes\[0\]\.when: this is not a CEL expression: /],
    good: route("when: 'values.a > 1.0'"),
  },
  {
    name: 'an expression over names that are not there',
    bad: route("when: 'value.a > 1.0'"),
    told: [/^6:39 error routes\[0\]\.when: this CEL expression cannot be evaluated: /],
    good: route("when: \"'late' in flags && device.startsWith('a')\""),
  },
  {
    name: 'an expression that is no condition',
    bad: route("when: 'measuredAt + 1.0'"),
    told: ['6:39 error routes[0].when: the expression must answer true or false, not double'],
    good: route("when: 'measuredAt > 1.0'"),
  },
  {
    name: 'a routing key with a capture that is not known',
    bad: route("routingKey: '{site}'"),
    told: [/^6:45 error routes\[0\]\.routingKey: \{site\} is not known here/],
    good: route("routingKey: '{device}.{topic}'"),
  },
  {
    name: 'a header with a brace that is not closed',
    bad: route("headers: { a: '{device' }"),
    told: ['6:47 error routes[0].headers.a: a brace is not closed, or stands alone'],
    good: route("headers: { a: '{device}' }"),
  },
  {
    name: 'a tag that no profile sets',
    bad: route("routingKey: '{tags.site}'"),
    told: ["6:45 warning routes[0].routingKey: {tags.site} is always empty: none of the rule's profiles has it"],
    good: route("routingKey: '{tags.site}'").replace("device: '{device}' }", "device: '{device}', tags: { site: '{device}' } }"),
  },
  {
    name: 'a value that no profile has',
    bad: route("routingKey: '{values.a}'").replace("device: '{device}' }", "device: '{device}', values: { b: $.b } }"),
    told: ["6:45 warning routes[0].routingKey: {values.a} is always empty: none of the rule's profiles has it"],
    good: route("routingKey: '{values.a}'"),
  },
  {
    name: 'a header without a name',
    bad: route("headers: { '': a }"),
    told: ['6:48 error routes[0].headers[""]: the name of an AMQP header has 1 to 255 bytes'],
    good: route('headers: { h: a }'),
  },
  {
    name: 'a filter that is none',
    bad: route("topics: ['a/#/b', 'a+']"),
    told: [/^6:42 error routes\[0\]\.topics\[0\]: /, /^6:51 error routes\[0\]\.topics\[1\]: /],
    good: route("topics: ['a/+/b', 'a/#']"),
  },
  {
    name: 'a filter of the source that is none',
    bad: behind("source: { topics: ['{site}/#'] }"),
    told: [/^15:20 error source\.topics\[0\]: /],
    good: behind("source: { topics: ['site/#', '+/x'] }"),
  },
  {
    name: 'a rule that does nothing',
    bad: routes('{ name: all }'),
    told: ['6:5 error routes[0].exchange: the rule needs an `exchange` to publish to'],
    good: routes('{ name: all, drop: true }'),
  },
  {
    name: 'a rule that drops and publishes',
    bad: routes('{ name: all, drop: true, continue: true, exchange: out, batch: { count: 5 } }'),
    told: [
      '6:40 error routes[0].continue: `drop: true` ends the search; it cannot continue',
      '6:56 error routes[0].exchange: `exchange` has no meaning beside `drop: true`',
      '6:68 error routes[0].batch: `batch` has no meaning beside `drop: true`',
    ],
    good: routes('{ name: all, drop: true, topics: [a], continue: false }'),
  },
  {
    name: 'an address that others reach',
    bad: behind('http: { host: 0.0.0.0 }'),
    told: ['15:15 warning http.host: "0.0.0.0" is not loopback: whoever reaches the port can read status and metrics'],
    good: behind("http: { host: '::1' }"),
  },
  {
    name: 'TLS that is not used',
    bad: behind('rabbitmq: { url: amqp://h, tls: { ca: "${file:cert}" } }'),
    told: [/^15:33 error rabbitmq\.tls: has no effect/],
    good: tls('ca: "${file:cert}"'),
    given: PEMS,
  },
  {
    name: 'a certificate without its key',
    bad: tls('cert: "${file:cert}"'),
    told: ['15:34 error rabbitmq.tls: `cert` and `key` belong together'],
    good: tls('cert: "${file:cert}", key: "${file:key}"'),
    given: PEMS,
  },
  {
    name: 'a path where the text of a certificate should be',
    bad: tls('ca: ca.pem, cert: cert.pem, key: key.pem'),
    told: [
      '15:40 error rabbitmq.tls.ca: is no certificate in PEM',
      '15:54 error rabbitmq.tls.cert: is no certificate in PEM',
      '15:69 error rabbitmq.tls.key: is no private key in PEM',
    ],
    good: tls('ca: "${file:cert}"'),
    given: PEMS,
  },
  {
    name: 'the key of another certificate',
    bad: tls('cert: "${file:cert}", key: "${file:other-key}"'),
    told: [/^15:\d+ error rabbitmq\.tls\.key: is not the key of `rabbitmq\.tls\.cert`$/],
    good: tls('cert: "${file:cert}", key: "${file:locked-key}", passphrase: open-sesame'),
    given: PEMS,
  },
  {
    name: 'a locked key without its passphrase',
    bad: tls('cert: "${file:cert}", key: "${file:locked-key}"'),
    told: [/ error rabbitmq\.tls\.passphrase: is missing/],
    good: tls('cert: "${file:cert}", key: "${file:key}"'),
    given: PEMS,
  },
  {
    name: 'a passphrase that does not open the key',
    bad: tls('cert: "${file:cert}", key: "${file:locked-key}", passphrase: open-barley'),
    told: [/ error rabbitmq\.tls\.passphrase: does not open/],
    good: tls('cert: "${file:cert}", key: "${file:locked-key}", passphrase: open-sesame'),
    given: PEMS,
  },
  {
    name: 'a URL and a list of URLs',
    bad: behind('rabbitmq: { url: amqp://h, urls: [amqp://i] }'),
    told: ['15:34 error rabbitmq.urls: stands beside `url`: one of the two'],
    good: behind('rabbitmq: { urls: [amqp://h, amqp://i] }'),
  },
  {
    name: 'nodes with different virtual hosts',
    bad: behind('rabbitmq: { urls: [amqp://h/a, amqp://i/a, amqp://j/b] }'),
    told: ['15:44 error rabbitmq.urls[2]: leads to virtual host "b", the first URL to "a"'],
    good: behind('rabbitmq: { urls: [amqp://h/, amqp://i, amqp://j/%2F] }'),
  },
  {
    name: 'the same in one text',
    bad: behind("rabbitmq: { url: 'amqp://h/a, amqp://i' }"),
    told: ['15:18 error rabbitmq.url: leads to virtual host "/", the first URL to "a"'],
    good: behind("rabbitmq: { url: 'amqp://h/a, amqp://i/a' }"),
  },
  {
    name: 'a node that is named twice',
    bad: behind('rabbitmq: { urls: [amqp://h, amqp://i, amqp://u:p@H:5672] }'),
    told: ['15:40 warning rabbitmq.urls[2]: h:5672 stands here twice: a node that is away is tried twice before there is a pause'],
    good: behind('rabbitmq: { urls: [amqp://h, amqp://h:5673] }'),
  },
  {
    name: 'TLS settings without a node that speaks TLS',
    bad: behind("rabbitmq: { url: 'amqp://h,amqp://i', tls: { expiryWarningDays: 1 } }"),
    told: [/ error rabbitmq\.tls: has no effect/],
    good: behind("rabbitmq: { url: 'amqp://h,amqps://i', tls: { expiryWarningDays: 1 } }"),
  },
];

/** The line itself where it fits, so that a failure shows what was expected instead. */
function fits(line: string, told: string | RegExp | undefined): string {
  if (typeof told === 'string') return told;
  return told?.test(line) === true ? line : String(told);
}

describe('the lint', () => {
  it.each(CASES)('$name', async ({ bad, told, good, given }) => {
    const lines = await linesOf(bad, given);
    expect(lines.map((line, i) => fits(line, told[i]))).toEqual(lines);
    expect(lines).toHaveLength(told.length);
    expect(await linesOf(good, given)).toEqual([]);
  });

  it('a confirmed bound is not asked of best-effort routes', async () => {
    const lines = await linesOf(
      routes('{ name: live, exchange: tap, delivery: best-effort, batch: { count: 5000, ageMs: 60000 }, continue: true }', ALL).replace(
        '{ name: out }',
        '{ name: out }, { name: tap, type: fanout }',
      ),
    );
    expect(lines).toEqual([]);
  });

  it('what follows from a part with errors is not told', async () => {
    // The queue is wrong, so nobody knows that the exchange has no queue.
    expect(await linesOf(topology('', `, type: quorm${BOUND}`))).toEqual(['4:30 error queues[0].type: must be one of quorum, classic, not "quorm"']);
    // The profile is wrong in one key; its name is still a name.
    expect(await linesOf(route('profiles: [json]').replace('device:', 'devcie:'))).toEqual([
      '2:5 error profiles[0].device: "device" is missing',
      '2:45 error profiles[0].devcie: unknown key "devcie"',
    ]);
  });
});

describe('topicMatches', () => {
  it.each<[string, string, boolean]>([
    ['#', '', true],
    ['#', 'a.b', true],
    ['*', 'a', true],
    ['*', 'a.b', false],
    ['*', '', false],
    ['a.#', 'a', true],
    ['a.#', 'a.b.c', true],
    ['a.#', 'b', false],
    ['#.b', 'a.b', true],
    ['#.b', 'b', true],
    ['a.*.c', 'a.b.c', true],
    ['a.*.c', 'a.c', false],
    ['a.#.c', 'a.c', true],
    ['a.#.#.c', 'a.x.y.c', true],
    ['a', 'a', true],
    ['a', 'A', false],
    ['', '', true],
    ['', 'a', false],
  ])('%j takes %j: %s', (bindingKey, routingKey, matches) => {
    expect(topicMatches(bindingKey, routingKey)).toBe(matches);
  });

  it('takes no longer for many wildcards', () => {
    expect(topicMatches(Array.from({ length: 60 }, () => '#.a').join('.'), `${'a.'.repeat(60)}b`)).toBe(false);
  });
});
