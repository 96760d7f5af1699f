/** A history, and when an alert fires in it. Every alert of docker/prometheus/alerts.yml has one; those of edges are in edge-alert-cases.ts. */
export interface AlertCase {
  readonly alert: string;
  /** Minutes between two samples and two evaluations of the rules; default 1. */
  readonly step?: number;
  /** Selector of a series to its samples, from minute 0; `_` is no sample. */
  readonly series: Readonly<Record<string, readonly (number | '_')[]>>;
  /** Minutes at which it must not fire. */
  readonly silent: readonly number[];
  /** Minutes at which it must, with the labels that it has beside severity. */
  readonly fires: readonly number[];
  readonly labels: Readonly<Record<string, string>>;
  /** What `$value` is printed as in the annotations that have one. */
  readonly value?: string;
}

const G = 'job="sluice",instance="g:9600"';
const OF_G = { job: 'sluice', instance: 'g:9600' };

/** `count` times the same number. */
export function hold<T extends number | '_'>(value: T, count: number): T[] {
  return Array.from({ length: count }, () => value);
}

/** `count` numbers from `from` on. */
export function rise(from: number, step: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => from + at * step);
}

/** 0 but for the minutes from 5 to 14. */
export const ON = [...hold(0, 5), ...hold(1, 10), ...hold(0, 10)];
/** 1 but for the minutes from 5 to 14. */
export const OFF = ON.map((value) => 1 - value);
/** A counter that stands still, moves in minute 20, and stands still again. */
export const ONCE = [...hold(3, 20), ...hold(4, 100)];

export const ALERT_CASES: readonly AlertCase[] = [
  { alert: 'SluiceReloadRefused', series: { [`sluice_config_last_reload_successful{${G}}`]: OFF }, silent: [4, 9, 15], fires: [10, 14], labels: OF_G },
  {
    alert: 'SluiceSettingsDiffer',
    series: {
      [`sluice_config_info{${G},version="abc"}`]: [...hold(1, 5), ...hold('_', 35)],
      [`sluice_config_info{${G},version="def"}`]: [...hold('_', 5), ...hold(1, 35)],
      'sluice_config_info{job="sluice",instance="h:9600",version="abc"}': [...hold(1, 30), ...hold('_', 10)],
      'sluice_config_info{job="sluice",instance="h:9600",version="def"}': [...hold('_', 30), ...hold(1, 10)],
    },
    silent: [4, 19, 36],
    fires: [25, 29],
    labels: { job: 'sluice' },
    value: '2',
  },
  { alert: 'SluiceDown', series: { [`up{${G}}`]: OFF }, silent: [4, 5, 15], fires: [6, 14], labels: OF_G },
  { alert: 'SluiceDown', series: {}, silent: [], fires: [1], labels: { job: 'sluice' } },
  {
    alert: 'SluiceNotReady',
    series: {
      [`sluice_component_phase{${G},component="topology",phase="ready"}`]: OFF,
      [`sluice_component_phase{${G},component="topology",phase="degraded"}`]: ON,
      [`sluice_component_phase{${G},component="http",phase="ready"}`]: hold(1, 25),
    },
    silent: [4, 9, 15],
    fires: [10, 14],
    labels: { ...OF_G, component: 'topology', phase: 'ready' },
  },
  {
    alert: 'SluiceRestarting',
    series: { [`process_start_time_seconds{${G}}`]: [...hold(100, 5), ...hold(400, 5), ...hold(700, 5), ...hold(1000, 100)] },
    silent: [4, 14, 75],
    fires: [15, 60],
    labels: OF_G,
    value: '3',
  },
  { alert: 'SluiceSourceDetached', series: { [`sluice_source_attached{${G}}`]: OFF }, silent: [4, 5, 15], fires: [6, 14], labels: OF_G },
  {
    alert: 'SluiceBrokerConnectionLost',
    series: {
      [`sluice_session_state{${G},session="publish",state="ready"}`]: OFF,
      [`sluice_session_state{${G},session="publish",state="blocked"}`]: hold(0, 25),
      [`sluice_session_state{${G},session="publish",state="connecting"}`]: ON,
      // Blocked is connected.
      [`sluice_session_state{${G},session="consume",state="ready"}`]: OFF,
      [`sluice_session_state{${G},session="consume",state="blocked"}`]: ON,
    },
    silent: [4, 5, 15],
    fires: [6, 14],
    labels: { ...OF_G, session: 'publish' },
  },
  {
    alert: 'SluicePublishingBlocked',
    series: { [`sluice_session_state{${G},session="publish",state="blocked"}`]: ON },
    silent: [4, 5, 15],
    fires: [6, 14],
    labels: { ...OF_G, session: 'publish', state: 'blocked' },
  },
  {
    alert: 'SluiceReconnects',
    series: {
      [`sluice_session_connections_total{${G},session="consume"}`]: [...hold(1, 10), 2, 3, 4, 5, 6, ...hold(6, 30)],
      // One restart of the broker.
      [`sluice_session_connections_total{${G},session="publish"}`]: [...hold(1, 10), ...hold(2, 35)],
    },
    silent: [9, 12, 35],
    fires: [15, 20],
    labels: { ...OF_G, session: 'consume' },
  },
  {
    alert: 'SluiceLaneHeld',
    series: {
      [`sluice_lanes{${G},route="readings",state="held"}`]: ON.map((value) => value * 3),
      [`sluice_lanes{${G},route="readings",state="sending"}`]: hold(1, 25),
      [`sluice_lanes{${G},route="alarms",state="held"}`]: hold(0, 25),
    },
    silent: [4, 6, 15],
    fires: [7, 14],
    labels: { ...OF_G, route: 'readings' },
  },
  {
    alert: 'SluiceStalled',
    series: {
      [`sluice_messages_in_flight{${G}}`]: hold(40, 60),
      [`sluice_messages_settled_total{${G},outcome="forwarded"}`]: [...rise(0, 60, 10), ...hold(540, 20), ...rise(600, 60, 30)],
    },
    silent: [9, 17, 35],
    fires: [20, 29],
    labels: OF_G,
  },
  {
    alert: 'SluiceStalled',
    // Nothing to do is no stall.
    series: { [`sluice_messages_in_flight{${G}}`]: hold(0, 60), [`sluice_messages_settled_total{${G},outcome="forwarded"}`]: hold(540, 60) },
    silent: [20, 40],
    fires: [],
    labels: OF_G,
  },
  {
    alert: 'SluiceLedgerImbalance',
    series: { [`sluice_ledger_imbalance{${G},unit="messages"}`]: hold(0, 25), [`sluice_ledger_imbalance{${G},unit="items"}`]: ON.map((value) => -value) },
    silent: [4, 5, 15],
    fires: [6, 14],
    labels: OF_G,
  },
  {
    alert: 'SluiceLedgerImbalance',
    series: {
      [`sluice_ledger_imbalance{${G},unit="items"}`]: hold(0, 25),
      [`sluice_ledger_route_imbalance{${G},route="a"}`]: ON,
      [`sluice_ledger_route_imbalance{${G},route="b"}`]: ON.map((value) => -value),
    },
    silent: [4, 5, 15],
    fires: [6, 14],
    labels: OF_G,
  },
  { alert: 'SluicePoisonMessage', series: { [`sluice_poison_suspected{${G}}`]: ON }, silent: [4, 5, 15], fires: [6, 14], labels: OF_G },
  {
    alert: 'SluiceNothingArrives',
    series: { [`sluice_messages_received_total{${G}}`]: [...rise(0, 100, 30), ...hold(2900, 20), ...rise(3000, 100, 40)] },
    silent: [29, 40, 55],
    fires: [45, 49],
    labels: { job: 'sluice' },
  },
  {
    alert: 'SluiceNothingArrives',
    // A gateway that never had anything to do, and one that stands by.
    series: { [`sluice_messages_received_total{${G}}`]: hold(0, 120), 'sluice_messages_received_total{job="sluice",instance="standby:9600"}': hold(0, 120) },
    silent: [20, 100],
    fires: [],
    labels: {},
  },
  {
    alert: 'SluiceDeadLetters',
    series: { [`sluice_dead_letters_total{${G},code="DECODE_INVALID"}`]: ONCE, [`sluice_dead_letters_total{${G},code="TOO_LARGE"}`]: hold(0, 120) },
    silent: [19, 31],
    fires: [20, 28],
    labels: { ...OF_G, code: 'DECODE_INVALID' },
  },
  {
    alert: 'SluiceDeadLettersWaiting',
    step: 30,
    series: {
      [`sluice_queue_messages{${G},queue="dead",role="dead-letters",state="ready"}`]: [0, 0, ...hold(2, 50), 0, 0],
      [`sluice_queue_messages{${G},queue="in",role="ingest",state="ready"}`]: hold(2, 54),
    },
    // There from minute 60 on, for 25 hours.
    silent: [30, 1470, 1560],
    fires: [1500, 1530],
    labels: { queue: 'dead', role: 'dead-letters' },
  },
  {
    alert: 'SluiceIngestBacklog',
    series: {
      [`sluice_queue_messages{${G},queue="in",role="ingest",state="ready"}`]: [...rise(0, 1000, 40), ...rise(38_000, -2000, 20)],
      [`sluice_queue_messages{${G},queue="out",role="output",state="ready"}`]: hold(50_000, 60),
    },
    silent: [10, 25, 55],
    fires: [39],
    labels: { queue: 'in', role: 'ingest' },
    value: '39000',
  },
  {
    alert: 'SluiceOutputBacklog',
    // Told by RabbitMQ's own plugin, with the names of the shipped settings. The dead letters and a queue that only stands full are none.
    series: {
      'rabbitmq_detailed_queue_messages_ready{job="rabbitmq-queues",queue="sluice.out.readings"}': [...rise(0, 1000, 40), ...hold(0, 20)],
      'rabbitmq_detailed_queue_messages_ready{job="rabbitmq-queues",queue="sluice.out.alarms"}': hold(50_000, 60),
      'rabbitmq_detailed_queue_messages_ready{job="rabbitmq-queues",queue="sluice.dead"}': rise(0, 1000, 60),
      'rabbitmq_detailed_queue_messages_ready{job="rabbitmq-queues",queue="somebody.elses"}': rise(0, 1000, 60),
    },
    silent: [10, 25, 41],
    fires: [39],
    labels: { queue: 'sluice.out.readings', role: 'output' },
    value: '39000',
  },
  {
    alert: 'SluiceSlow',
    series: {
      [`sluice_batch_age_seconds_bucket{${G},route="readings",le="10"}`]: [...rise(0, 60, 10), ...hold(600, 30), ...rise(600, 60, 30)],
      [`sluice_batch_age_seconds_bucket{${G},route="readings",le="30"}`]: rise(0, 60, 70),
      [`sluice_batch_age_seconds_bucket{${G},route="readings",le="+Inf"}`]: rise(0, 60, 70),
      // Without traffic there is no quantile.
      [`sluice_batch_age_seconds_bucket{${G},route="alarms",le="10"}`]: hold(0, 70),
      [`sluice_batch_age_seconds_bucket{${G},route="alarms",le="+Inf"}`]: hold(0, 70),
    },
    silent: [9, 15, 50],
    fires: [25, 38],
    labels: { ...OF_G, route: 'readings' },
  },
  {
    alert: 'SluiceEventLoopBusy',
    series: { [`nodejs_eventloop_busy_seconds_total{${G}}`]: [...rise(0, 20, 10), ...rise(240, 59, 30), ...rise(1970, 20, 30)] },
    silent: [9, 18, 50],
    fires: [28, 38],
    labels: OF_G,
  },
  { alert: 'SluiceTopologyRepaired', series: { [`sluice_topology_repairs_total{${G}}`]: ONCE }, silent: [19, 36], fires: [20, 33], labels: OF_G },
  {
    alert: 'SluiceRuleFails',
    series: { [`sluice_rule_failures_total{${G},route="late"}`]: ONCE, [`sluice_rule_failures_total{${G},route="readings"}`]: hold(9, 120) },
    silent: [19, 36],
    fires: [20, 33],
    labels: { ...OF_G, route: 'late' },
  },
  {
    alert: 'SluiceCertificateExpires',
    // The clock of these histories begins at 0. Renewed in minute 120.
    series: {
      [`sluice_tls_certificate_expiry_timestamp_seconds{${G},certificate="broker"}`]: [...hold(14 * 86_400 + 1800, 120), ...hold(90 * 86_400, 30)],
      [`sluice_tls_certificate_expiry_timestamp_seconds{${G},certificate="gateway"}`]: hold(90 * 86_400, 150),
    },
    silent: [29, 89, 121],
    fires: [91],
    labels: { ...OF_G, certificate: 'broker' },
    value: '13d 22h 59m 0s',
  },
  { alert: 'SluiceLogHoles', series: { [`sluice_log_write_failures_total{${G}}`]: ONCE }, silent: [19, 36], fires: [20, 33], labels: OF_G },
  {
    alert: 'SluiceQueuesUnknown',
    series: {
      [`sluice_queue_looks_total{${G},outcome="ok"}`]: [...rise(0, 4, 20), ...hold(76, 40), ...rise(80, 4, 20)],
      [`sluice_queue_looks_total{${G},outcome="failed"}`]: [...hold(0, 20), ...rise(4, 4, 40), ...hold(160, 20)],
      // One that fails now and then.
      [`sluice_queue_looks_total{job="sluice",instance="h:9600",outcome="ok"}`]: rise(0, 4, 80),
      [`sluice_queue_looks_total{job="sluice",instance="h:9600",outcome="failed"}`]: rise(0, 1, 80),
    },
    silent: [19, 35, 62],
    fires: [45, 59],
    labels: { ...OF_G, outcome: 'failed' },
  },
  { alert: 'SluiceDedupeForgets', series: { [`sluice_dedupe_evicted_early_total{${G}}`]: ONCE }, silent: [19, 85], fires: [20, 75], labels: OF_G },
  {
    alert: 'RabbitmqDown',
    series: { 'up{job="rabbitmq",instance="r:15692"}': OFF, [`up{${G}}`]: hold(1, 25) },
    silent: [4, 5, 15],
    fires: [6, 14],
    labels: { job: 'rabbitmq', instance: 'r:15692' },
  },
  {
    alert: 'RabbitmqAlarm',
    series: {
      'rabbitmq_alarms_memory_used_watermark{job="rabbitmq",instance="r:15692"}': hold(0, 25),
      'rabbitmq_alarms_free_disk_space_watermark{job="rabbitmq",instance="r:15692"}': ON,
      'rabbitmq_alarms_file_descriptor_limit{job="rabbitmq",instance="r:15692"}': hold(1, 25),
    },
    silent: [4, 5, 15],
    fires: [6, 14],
    labels: { job: 'rabbitmq', instance: 'r:15692' },
  },
];

/** Values of recording rules that no alert shows. */
export const RECORDED: readonly {
  readonly series: AlertCase['series'];
  readonly expr: string;
  readonly minute: number;
  readonly samples: readonly { readonly labels: string; readonly value: number }[];
}[] = [
  {
    series: {
      [`sluice_component_phase{${G},component="http",phase="ready"}`]: hold(1, 5),
      [`sluice_component_phase{${G},component="source",phase="ready"}`]: [1, 1, 0, 1, 1],
      [`sluice_lanes{${G},route="a",state="held"}`]: [0, 0, 0, 2, 0],
      [`sluice_lanes{${G},route="b",state="held"}`]: hold(0, 5),
    },
    expr: 'sum_over_time(instance:sluice_ready:min[4m1s]) + 10 * instance:sluice_ready:min',
    minute: 4,
    samples: [{ labels: `{${G}}`, value: 13 }],
  },
  {
    // The gateway's word wins over RabbitMQ's for a queue that both tell of; two gateways are not added up.
    series: {
      [`sluice_queue_messages{${G},queue="sluice.ingest",role="ingest",state="ready"}`]: hold(7, 5),
      'sluice_queue_messages{job="sluice",instance="h:9600",queue="sluice.ingest",role="ingest",state="ready"}': hold(8, 5),
      [`sluice_queue_messages{${G},queue="sluice.ingest",role="ingest",state="unacked"}`]: hold(100, 5),
      'rabbitmq_detailed_queue_messages_ready{job="rabbitmq-queues",queue="sluice.ingest"}': hold(9, 5),
      'rabbitmq_detailed_queue_messages_ready{job="rabbitmq-queues",queue="sluice.dead"}': hold(2, 5),
    },
    expr: 'queue:sluice_queue_messages_ready:max',
    minute: 3,
    samples: [
      { labels: 'queue:sluice_queue_messages_ready:max{queue="sluice.ingest",role="ingest"}', value: 8 },
      { labels: 'queue:sluice_queue_messages_ready:max{queue="sluice.dead",role="dead-letters"}', value: 2 },
    ],
  },
  {
    series: { 'rabbitmq_detailed_queue_consumers{job="rabbitmq-queues",queue="sluice.out.a"}': hold(2, 5) },
    expr: 'queue:sluice_queue_consumers:max',
    minute: 3,
    samples: [{ labels: 'queue:sluice_queue_consumers:max{queue="sluice.out.a",role="output"}', value: 2 }],
  },
  {
    // 600 wait, two are taken a second; from a queue that nobody reads there is no lag to tell.
    series: {
      [`sluice_queue_messages{${G},queue="a",role="output",state="ready"}`]: hold(600, 10),
      [`sluice_queue_taken_messages_total{${G},queue="a",role="output"}`]: rise(0, 120, 10),
      [`sluice_queue_messages{${G},queue="b",role="output",state="ready"}`]: hold(600, 10),
      [`sluice_queue_taken_messages_total{${G},queue="b",role="output"}`]: hold(50, 10),
    },
    expr: 'queue:sluice_queue_lag_seconds:max',
    minute: 8,
    samples: [{ labels: 'queue:sluice_queue_lag_seconds:max{queue="a",role="output"}', value: 300 }],
  },
];
