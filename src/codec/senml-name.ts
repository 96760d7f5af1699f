import { excerpt } from '../domain/excerpt.ts';
import { MAX_NAME } from '../domain/flatten.ts';

/** Whose value a record holds, and what it is called there. */
export interface Place {
  /** Empty where the pack does not name a device: then the topic must. */
  readonly device: string;
  readonly name: string;
}

/** The name of a value that has none, because the record's whole name is that of the device. `resolvePack` names positions better. */
export const UNNAMED = 'value';

/**
 * RFC 8428 section 4.5.1: letters, digits and `-:./_`, the first a letter or digit. LwM2M writes its paths with a
 * leading slash (OMA LwM2M 1.1 core, section 7.4.4), so a slash before a digit is taken too.
 */
const RESOLVED = /^(?:[A-Za-z0-9]|\/[0-9])[A-Za-z0-9\-:./_]*$/;

/** /object/instance, then /resource and perhaps /resource instance. */
const LWM2M = /^(\/\d+\/\d+)\/(\d+(?:\/\d+)?)$/;

/** RFC 9039: urn:dev:type:identifier, and the component behind `_`; RFC 8428's own examples write `:` there. */
const DEVICE_URN = /^(urn:dev:[^:]+:[^:_/]+)(?:[:_/](.+))?$/i;

const SEPARATORS = /[/:_]+$/;

/**
 * Splits the resolved name of a record (RFC 8428 section 4.5.1) into device and value. The RFC leaves open where the one ends,
 * so the first of these rules holds:
 *
 * 1. A LwM2M path: the object instance is the device. `/3/0/9` is `9` of `/3/0`, however base name and name share it.
 * 2. Base name and name: the base name without the `/`, `:` or `_` at its end is the device, the name is the value's.
 * 3. One of the two alone, a device URN: what follows the device's identifier is the value's name.
 * 4. One alone with slashes: the last level is the value's name.
 * 5. One alone that is a base name or has a colon (an address, another URN): it is the device.
 * 6. A bare word as the name: the value's name, of no device.
 *
 * In rules 3 to 5 a value without a name is called `value` (`lat` or `lon` where that is its unit, so that a position
 * stays together: such records differ in nothing else). Answers a problem as a sentence for an illegal name.
 */
export function placeOf(base: string, own: string): Place | string {
  if (base.length + own.length > MAX_NAME) {
    return `a name is longer than ${MAX_NAME} characters`;
  }
  const resolved = base + own;
  if (resolved === '') {
    return 'a record has neither name nor base name (section 4.5.1)';
  }
  if (!RESOLVED.test(resolved)) {
    return `the name "${excerpt(resolved)}" has characters that are not allowed, or begins with one (section 4.5.1)`;
  }
  const path = resolved.startsWith('/') ? LWM2M.exec(resolved) : null;
  if (path !== null) {
    return { device: path[1] as string, name: path[2] as string };
  }
  const device = base.replace(SEPARATORS, '');
  return own !== '' && device !== '' ? { device, name: own } : single(resolved.replace(SEPARATORS, ''), own === '');
}

function single(text: string, isBase: boolean): Place {
  const urn = DEVICE_URN.exec(text);
  if (urn !== null) {
    return { device: urn[1] as string, name: urn[2] ?? UNNAMED };
  }
  const slash = text.lastIndexOf('/');
  if (slash > 0) {
    return { device: text.slice(0, slash), name: text.slice(slash + 1) };
  }
  return isBase || text.includes(':') ? { device: text, name: UNNAMED } : { device: '', name: text };
}
