import type { Dashboard } from './model.ts';
import { about, increase, INSTANCE, NONE_IS_GOOD, of, rate, spread } from './parts.ts';

/** All devices together: none of them is a label. */
export const DEVICES: Dashboard = {
  uid: 'sluice-devices',
  title: 'Sluice: devices',
  description: 'All devices together: delays by their own clocks, what is odd about their readings, and what of them is left out or refused.',
  variables: [INSTANCE],
  rows: [
    {
      title: 'Delays by the clocks of the devices',
      panels: [
        {
          title: 'Device to gateway',
          description: about('sluice_device_to_gateway_seconds'),
          unit: 's',
          queries: spread('sluice_device_to_gateway_seconds'),
        },
        {
          title: 'Device to gateway, all readings',
          description: 'How many readings took how long: two bands are two kinds of devices, a band that rises is a network that slows down.',
          unit: 's',
          kind: 'heatmap',
          queries: [
            {
              expr: 'sum by (le) (increase(sluice_device_to_gateway_seconds_bucket{instance=~"$instance"}[$__rate_interval]))',
              legend: '{{le}}',
            },
          ],
        },
        {
          title: 'Device to gateway, by gateway (p95)',
          description: about('sluice_device_to_gateway_seconds'),
          unit: 's',
          queries: [{ expr: 'instance:sluice_device_to_gateway_seconds:p95_5m{instance=~"$instance"}', legend: '{{instance}}' }],
        },
      ],
    },
    {
      title: 'Readings',
      panels: [
        {
          title: 'Readings',
          description: about('sluice_readings_total'),
          unit: 'cps',
          queries: [{ expr: rate('sluice_readings_total', 'instance'), legend: '{{instance}}' }],
        },
        {
          title: 'Readings in a message',
          description: 'Readings by messages received. It falls where messages hold none.',
          unit: 'short',
          queries: [
            {
              expr: `sum(rate(${of('sluice_readings_total')}[$__rate_interval])) / sum(rate(${of('sluice_messages_received_total')}[$__rate_interval]))`,
              legend: 'readings',
            },
          ],
        },
        {
          title: 'Readings with a flag',
          description: about('sluice_readings_flagged_total'),
          unit: 'cps',
          queries: [{ expr: `${rate('sluice_readings_flagged_total', 'flag')} > 0`, legend: '{{flag}}' }],
        },
        {
          title: 'Wrong clocks',
          description: 'Share of readings whose device has its clock ahead, unset, or unreadable.',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum(rate(${of('sluice_readings_flagged_total', 'flag=~"future|clock-unset|time-invalid"')}[$__rate_interval])) / sum(rate(${of('sluice_readings_total')}[$__rate_interval]))`,
              legend: 'share',
            },
          ],
          thresholds: [['green'], ['orange', 0.05], ['red', 0.5]],
        },
        {
          title: 'Late readings',
          description: 'Share of readings that are older on arrival than their profile tolerates: devices that were out of reach.',
          unit: 'percentunit',
          queries: [
            {
              expr: `sum(rate(${of('sluice_readings_flagged_total', 'flag="late"')}[$__rate_interval])) / sum(rate(${of('sluice_readings_total')}[$__rate_interval]))`,
              legend: 'share',
            },
          ],
          thresholds: [['green'], ['orange', 0.2]],
        },
        {
          title: 'Duplicates left out',
          description: 'Items that were left out because their reading had been forwarded before: devices that send again, and redeliveries.',
          unit: 'cps',
          queries: [{ expr: rate('sluice_items_settled_total', 'route', 'outcome="deduplicated"'), legend: '{{route}}' }],
        },
      ],
    },
    {
      title: 'What is left out or refused',
      panels: [
        {
          title: 'Filtered, by reason',
          description: about('sluice_items_filtered_total'),
          unit: 'cps',
          queries: [{ expr: rate('sluice_items_filtered_total', 'reason'), legend: '{{reason}}' }],
        },
        {
          title: 'Dead letters, by reason',
          description: about('sluice_dead_letters_total'),
          unit: 'short',
          queries: [{ expr: `${increase('sluice_dead_letters_total', 'code')} > 0`, legend: '{{code}}' }],
        },
        {
          title: 'Messages that kill the connection',
          description: about('sluice_poison_suspicions_total'),
          unit: 'short',
          queries: [
            { expr: increase('sluice_poison_suspicions_total', 'instance'), legend: 'suspicions {{instance}}' },
            { expr: of('sluice_poison_suspected'), legend: 'now {{instance}}' },
          ],
          thresholds: NONE_IS_GOOD,
        },
      ],
    },
    {
      title: 'Devices',
      panels: [
        {
          title: 'Known devices',
          description: about('sluice_devices_known'),
          unit: 'short',
          queries: [{ expr: of('sluice_devices_known'), legend: '{{instance}}' }],
        },
        {
          title: 'Silent devices',
          description: about('sluice_devices_silent'),
          unit: 'short',
          queries: [{ expr: of('sluice_devices_silent'), legend: '{{instance}}' }],
        },
      ],
    },
    {
      title: 'Deduplication',
      panels: [
        {
          title: 'Remembered ids',
          description: about('sluice_dedupe_entries'),
          unit: 'short',
          queries: [{ expr: of('sluice_dedupe_entries'), legend: '{{instance}}' }],
        },
        {
          title: 'Ids forgotten early',
          description: about('sluice_dedupe_evicted_early_total'),
          unit: 'short',
          queries: [{ expr: increase('sluice_dedupe_evicted_early_total', 'instance'), legend: '{{instance}}' }],
          thresholds: [['green'], ['orange', 1]],
        },
      ],
    },
  ],
};
