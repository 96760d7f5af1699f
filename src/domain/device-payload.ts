import { emptyBag } from './bag.ts';
import { BoundedCache } from './bounded-cache.ts';
import { FLAG } from './flags.ts';
import type { LayoutPlan } from './layout/plan.ts';
import { readLayout } from './layout/run.ts';
import { MOST_BYTES } from './layout/spec.ts';
import type { NameTable } from './name-pattern.ts';
import { type Document, type PayloadPath, readPath } from './payload-path.ts';
import type { PayloadAtSpec } from './profile.ts';

/** Names of devices and models whose layout is kept ready. */
const NAMES = 10_000;
const NAME_LENGTH = 256;
const NONE = Symbol('no layout');

/** Where an uplink has the bytes of the device, and where what they say belongs. */
export interface PayloadPlaces {
  readonly bytes: PayloadPath;
  readonly encoding: PayloadAtSpec['encoding'];
  readonly port: PayloadPath | undefined;
  readonly model: PayloadPath | undefined;
  /** At least one. Something at one of them: the network server has decoded already. Else the first gets the values. */
  readonly decoded: readonly PayloadPath[];
  /** Name of that place among the values, with a dot behind; undefined where it is none of them. */
  readonly prefix: string | undefined;
}

/** An uplink with what the bytes of its device say. */
export interface Opened {
  readonly document: Document;
  readonly units: Readonly<Record<string, string>> | undefined;
  readonly flags: number;
}

/** Reads the bytes of devices inside uplinks. Never throws. */
export class DevicePayload {
  private readonly places: PayloadPlaces;
  private readonly layouts: NameTable<LayoutPlan>;
  private readonly known: BoundedCache<LayoutPlan | typeof NONE> = new BoundedCache(NAMES, NAME_LENGTH);

  constructor(places: PayloadPlaces, layouts: NameTable<LayoutPlan>) {
    this.places = places;
    this.layouts = layouts;
  }

  /** undefined: there is nothing to read, or nothing says how, and the uplink is as good as it came. */
  open(uplink: Document, device: string | undefined): Opened | undefined {
    const { bytes: place, encoding, port, decoded, model } = this.places;
    const text = readPath(place, uplink, uplink);
    if (typeof text !== 'string' || text === '' || decoded.some((path) => isThere(readPath(path, uplink, uplink)))) {
      return undefined;
    }
    const layout = this.layoutOf(device) ?? this.layoutOf(model === undefined ? undefined : readPath(model, uplink, uplink));
    if (layout === undefined) {
      return undefined;
    }
    const bytes = bytesOf(text, encoding);
    const fPort = port === undefined ? undefined : readPath(port, uplink, uplink);
    const read = bytes === undefined ? undefined : readLayout(layout, bytes, typeof fPort === 'number' ? fPort : undefined);
    if (read === undefined) {
      return { document: uplink, units: undefined, flags: FLAG['payload-unread'] };
    }
    return { document: placed(uplink, decoded[0] as PayloadPath, read.values), units: this.named(read.units), flags: read.flags };
  }

  private layoutOf(name: Document | undefined): LayoutPlan | undefined {
    if (typeof name !== 'string') {
      return undefined;
    }
    let layout = this.known.get(name);
    if (layout === undefined) {
      layout = this.layouts.find(name)?.value ?? NONE;
      this.known.set(name, layout);
    }
    return layout === NONE ? undefined : layout;
  }

  private named(units: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined {
    const { prefix } = this.places;
    if (prefix === undefined) {
      return undefined;
    }
    const named = emptyBag<string>();
    for (const name in units) {
      named[prefix + name] = units[name] as string;
    }
    return named;
  }
}

/** Null and an object without anything in it are how a network server says that it decoded nothing. */
function isThere(node: Document | undefined): boolean {
  if (typeof node === 'object' && node !== null) {
    return Object.keys(node).length > 0;
  }
  return node !== undefined && node !== null;
}

/** undefined where the text is not written so, or is longer than any payload. */
function bytesOf(text: string, encoding: PayloadAtSpec['encoding']): Buffer | undefined {
  if (text.length > MOST_BYTES * 2) {
    return undefined;
  }
  if (encoding === 'hex') {
    return text.length % 2 === 0 && /^[0-9a-f]*$/i.test(text) ? Buffer.from(text, 'hex') : undefined;
  }
  return /^[A-Za-z0-9+/_-]*={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/** A copy with `value` at the path; what is around the path is shared. Objects are made where there are none. */
function placed(node: Document | undefined, path: PayloadPath, value: Document, step = 0): Document {
  const name = path.steps[step]?.name;
  if (name === undefined) {
    return value;
  }
  const out = Object.assign(emptyBag<Document>(), typeof node === 'object' && !Array.isArray(node) ? node : {});
  out[name] = placed(out[name], path, value, step + 1);
  return out;
}
