import { Live } from './live.ts';
import { placeOf } from './place.ts';
import { Shell } from './shell.ts';
import type { MakeView } from './view.ts';
import { config } from './view-config.ts';
import { device } from './view-device.ts';
import { devices } from './view-devices.ts';
import { letter } from './view-letter.ts';
import { letters } from './view-letters.ts';
import { overview } from './view-overview.ts';
import { tap } from './view-tap.ts';

/** For many, and for the one that is named. */
const VIEWS: Readonly<Record<string, readonly [MakeView, MakeView?]>> = {
  '': [overview],
  devices: [devices, device],
  tap: [tap],
  letters: [letters, letter],
  config: [config],
};

const live = new Live();
const shell = new Shell(live);
let shown: AbortController | undefined;

function show(): boolean {
  const place = placeOf(location.hash);
  const [many, one] = VIEWS[place.view] ?? [];
  const make = place.name === '' ? many : one;
  if (make === undefined) {
    location.replace('#/');
    return false;
  }
  shown?.abort();
  shown = new AbortController();
  const { title, element } = make({
    live,
    place,
    signal: shown.signal,
    keep: (hash) => history.replaceState(null, '', hash),
    say: (text) => shell.say(text),
  });
  shell.show(place.view, title, element);
  return true;
}

window.addEventListener('hashchange', () => {
  if (show()) shell.focusHeading();
});
show();
live.start();
