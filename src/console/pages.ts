import { placeOf } from './place.ts';
import type { Shell } from './shell.ts';
import type { Frame, MakeView } from './view.ts';

/** Views by their names in the address: for many, and for the one that is named. */
export type Views<F extends Frame> = Readonly<Record<string, readonly [MakeView<F>, MakeView<F>?]>>;

/** Shows in the shell the view that the address names, from now on. `complete` adds what these views get besides. */
export function showPages<F extends Frame>(shell: Shell, views: Views<F>, complete: (frame: Frame) => F): void {
  let shown: AbortController | undefined;
  const show = (): boolean => {
    const place = placeOf(location.hash);
    const [many, one] = views[place.view] ?? [];
    const make = place.name === '' ? many : one;
    if (make === undefined) {
      location.replace('#/');
      return false;
    }
    shown?.abort();
    shown = new AbortController();
    const { title, element } = make(
      complete({
        place,
        signal: shown.signal,
        keep: (hash) => history.replaceState(null, '', hash),
        say: (text) => shell.say(text),
      }),
    );
    shell.show(place.view, title, element);
    return true;
  };
  window.addEventListener('hashchange', () => {
    if (show()) shell.focusHeading();
  });
  show();
}
