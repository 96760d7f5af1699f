/**
 * What codecs notice although it is no fault of a whole message: a closed set, so that it can be a label of a metric. The texts are
 * documentation.
 */
export const ANOMALIES = {
  'sequence-gap': 'jumps in sequence numbers: a message was lost before it, or came out of turn',
  repeat: 'messages of a session that had come before (sent again, or redelivered)',
  'unknown-metric': 'metrics that no birth of their node defines; they are left out',
  'unfit-metric': 'metrics whose value is not what their data type says; they are left out',
  'old-death': 'deaths of a session that a newer birth has replaced; they change nothing',
  'rebirth-request': 'requests to a node to send its births again',
} as const;

export type Anomaly = keyof typeof ANOMALIES;
export type AnomalyCounts = Record<Anomaly, number>;

export const ANOMALY_KINDS = Object.keys(ANOMALIES) as readonly Anomaly[];

/** All at 0. */
export function noAnomalies(): AnomalyCounts {
  return Object.fromEntries(ANOMALY_KINDS.map((kind) => [kind, 0])) as AnomalyCounts;
}
