/** Where in the console one is: `#/devices/hall?search=x`. */
export interface Place {
  readonly view: string;
  /** Name of the one thing that the view is about; empty where it is about many. */
  readonly name: string;
  readonly query: URLSearchParams;
}

export function placeOf(hash: string): Place {
  const [path, query] = splitOnce(hash.replace(/^#\/?/, ''), '?');
  const [view, name] = splitOnce(path, '/');
  return { view, name: decoded(name), query: new URLSearchParams(query) };
}

/** Empty and missing parts of the query are left out. */
export function hashOf(view: string, name = '', query: Readonly<Record<string, string | undefined>> = {}): string {
  const kept = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== '');
  const search = new URLSearchParams(kept).toString();
  return `#/${view}${name === '' ? '' : `/${encodeURIComponent(name)}`}${search === '' ? '' : `?${search}`}`;
}

function splitOnce(text: string, by: string): [string, string] {
  const at = text.indexOf(by);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
