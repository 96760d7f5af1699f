import { type AlertCase, hold, OFF, ON, ONCE, rise } from './alert-cases.ts';

const E = 'job="sluice-edge",instance="e:9600"';
const OF_E = { job: 'sluice-edge', instance: 'e:9600' };
const GIB = 1024 ** 3;

/** Histories of edges, and of what is no fault at one of them. */
export const EDGE_ALERT_CASES: readonly AlertCase[] = [
  { alert: 'SluiceEdgeDown', series: { [`up{${E}}`]: OFF }, silent: [4, 9, 15], fires: [10, 14], labels: OF_E },
  {
    alert: 'SluiceEdgeAway',
    series: { [`sluice_edge_connected{${E}}`]: [...hold(1, 5), ...hold(0, 25), ...hold(1, 5)] },
    silent: [4, 19, 30],
    fires: [20, 29],
    labels: OF_E,
  },
  {
    alert: 'SluiceEdgeSpoolFilling',
    // 30 MiB a minute: after 24 minutes a tenth of 7 GiB is there, and four hours more would fill it. Then it is forwarded.
    series: {
      [`sluice_edge_spool_bytes{${E}}`]: [...hold(0, 10), ...rise(0, 30 * 1024 ** 2, 50), ...hold(0, 30)],
      [`sluice_edge_spool_limit_bytes{${E}}`]: hold(7 * GIB, 90),
      // Half full, and it stays so.
      'sluice_edge_spool_bytes{job="sluice-edge",instance="f:9600"}': hold(3 * GIB, 90),
      'sluice_edge_spool_limit_bytes{job="sluice-edge",instance="f:9600"}': hold(7 * GIB, 90),
    },
    silent: [9, 40, 75],
    fires: [50, 59],
    labels: OF_E,
  },
  {
    alert: 'SluiceEdgeSpoolNearlyFull',
    series: {
      [`sluice_edge_spool_bytes{${E}}`]: ON.map((on) => (on === 1 ? 9 * GIB : GIB)),
      [`sluice_edge_spool_limit_bytes{${E}}`]: hold(10 * GIB, 25),
    },
    silent: [4, 9, 15],
    fires: [10, 14],
    labels: OF_E,
    value: '90%',
  },
  {
    alert: 'SluiceEdgeSpoolRefuses',
    series: { [`sluice_edge_spool_refusing{${E},reason="full"}`]: hold(0, 25), [`sluice_edge_spool_refusing{${E},reason="unwritable"}`]: ON },
    silent: [4, 5, 15],
    fires: [6, 14],
    labels: { ...OF_E, reason: 'unwritable' },
  },
  {
    alert: 'SluiceEdgeDamage',
    // Messages that were lost are seen before places that were damaged, so that there is one alert.
    series: { [`sluice_edge_spool_lost_total{${E}}`]: ON.map((on) => on * 7), [`sluice_edge_spool_damaged_total{${E}}`]: ON },
    silent: [4, 15],
    fires: [5, 14],
    labels: OF_E,
  },
  { alert: 'SluiceEdgeDamage', series: { [`sluice_edge_spool_damaged_total{${E}}`]: ON }, silent: [4, 15], fires: [5, 14], labels: OF_E },
  { alert: 'SluiceEdgeExpired', series: { [`sluice_edge_spool_expired_total{${E}}`]: ONCE }, silent: [19, 36], fires: [21, 34], labels: OF_E },
  { alert: 'SluiceEdgeDropsQos0', series: { [`sluice_edge_spool_dropped_qos0_total{${E}}`]: ONCE }, silent: [19, 36], fires: [21, 34], labels: OF_E },
  {
    alert: 'SluiceEdgeTopicsHeld',
    series: { [`sluice_edge_topics_held{${E}}`]: ON.map((on) => on * 4), [`sluice_edge_connected{${E}}`]: hold(1, 25) },
    silent: [4, 9, 15],
    fires: [10, 14],
    labels: OF_E,
    value: '4',
  },
  {
    alert: 'SluiceEdgeTopicsHeld',
    // What was under way when the link broke waits for its return and for nothing else.
    series: { [`sluice_edge_topics_held{${E}}`]: hold(4, 25), [`sluice_edge_connected{${E}}`]: hold(0, 25) },
    silent: [20],
    fires: [],
    labels: OF_E,
  },
  { alert: 'SluiceEdgeMessagesApart', series: { [`sluice_edge_refused_messages_total{${E}}`]: ONCE }, silent: [19, 36], fires: [21, 34], labels: OF_E },
  {
    alert: 'SluiceEdgeRefusals',
    series: {
      [`sluice_edge_refusals_total{${E},reason="bad-credentials"}`]: [...hold(0, 10), ...rise(2, 2, 20), ...hold(40, 40)],
      // A scan of the ports.
      [`sluice_edge_refusals_total{${E},reason="malformed"}`]: [...hold(0, 10), ...hold(5, 60)],
    },
    silent: [9, 12, 50],
    fires: [20, 30],
    labels: { ...OF_E, reason: 'bad-credentials' },
  },
  { alert: 'SluiceEdgeSlowClients', series: { [`sluice_edge_slow_clients_total{${E}}`]: ONCE }, silent: [19, 36], fires: [21, 34], labels: OF_E },
  {
    alert: 'SluiceEdgeSessionLosses',
    series: {
      [`sluice_edge_session_losses_total{${E},reason="queue-full"}`]: ONCE,
      [`sluice_edge_session_losses_total{${E},reason="expired"}`]: rise(0, 1, 120),
    },
    silent: [19, 36],
    fires: [21, 34],
    labels: { ...OF_E, reason: 'queue-full' },
  },
  // An edge is made to be away, and has settings of its own.
  {
    alert: 'SluiceBrokerConnectionLost',
    series: { [`sluice_session_state{${E},session="publish",state="ready"}`]: hold(0, 25) },
    silent: [20],
    fires: [],
    labels: OF_E,
  },
  {
    alert: 'SluicePublishingBlocked',
    series: { [`sluice_session_state{${E},session="publish",state="blocked"}`]: hold(1, 25) },
    silent: [20],
    fires: [],
    labels: OF_E,
  },
  {
    alert: 'SluiceReconnects',
    series: { [`sluice_session_connections_total{${E},session="publish"}`]: rise(1, 1, 40) },
    silent: [30],
    fires: [],
    labels: OF_E,
  },
  {
    alert: 'SluiceStalled',
    series: { [`sluice_messages_in_flight{${E}}`]: hold(40, 60), [`sluice_messages_settled_total{${E},outcome="forwarded"}`]: hold(540, 60) },
    silent: [50],
    fires: [],
    labels: OF_E,
  },
  {
    alert: 'SluiceNothingArrives',
    series: { [`sluice_messages_received_total{${E}}`]: [...rise(0, 60, 30), ...hold(1740, 60)] },
    silent: [60],
    fires: [],
    labels: OF_E,
  },
  {
    alert: 'SluiceSettingsDiffer',
    series: { [`sluice_config_info{${E},version="abc"}`]: hold(1, 40), 'sluice_config_info{job="sluice-edge",instance="f:9600",version="def"}': hold(1, 40) },
    silent: [30],
    fires: [],
    labels: OF_E,
  },
];
