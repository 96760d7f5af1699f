import { EdgeLive } from './edge-live.ts';
import { Live } from './live.ts';
import { showPages } from './pages.ts';
import { Shell, type Tab } from './shell.ts';
import { config } from './view-config.ts';
import { device } from './view-device.ts';
import { devices } from './view-devices.ts';
import { edge } from './view-edge.ts';
import { letter } from './view-letter.ts';
import { letters } from './view-letters.ts';
import { overview } from './view-overview.ts';
import { tap } from './view-tap.ts';

const GATEWAY: readonly Tab[] = [
  ['', 'Overview', ''],
  ['devices', 'Devices', ''],
  ['tap', 'Tap', ''],
  ['letters', 'Dead letters', 'Letters'],
];
const CONFIG: Tab = ['config', 'Configuration', 'Config'];

/** `withEdge`: it takes messages of devices itself. */
function gatewayPage(withEdge: boolean): void {
  const live = new Live();
  const edgeLive = new EdgeLive();
  const shell = new Shell(live, [...GATEWAY, ...(withEdge ? [['edge', 'Edge', ''] as const] : []), CONFIG]);
  live.onEvent(({ flow }) => shell.note('letters', flow.deadLetters.buried), new AbortController().signal);
  const views = {
    '': [overview],
    devices: [devices, device],
    tap: [tap],
    letters: [letters, letter],
    ...(withEdge ? { edge: [edge(edgeLive)] as const } : {}),
    config: [config],
  } as const;
  showPages(shell, views, (frame) => ({ ...frame, live }));
  live.start();
  if (withEdge) edgeLive.start();
}

function edgePage(): void {
  const live = new EdgeLive();
  showPages(new Shell(live, [['', 'Edge', '']]), { '': [edge(live)] }, (frame) => frame);
  live.start();
}

// The server says in the page what it is (src/http/console.ts).
const shows = document.documentElement.dataset['shows'];
if (shows === 'edge') edgePage();
else gatewayPage(shows === 'gateway-with-edge');
