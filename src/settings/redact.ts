import { createHash } from 'node:crypto';
import { redactCredentials } from '../domain/redact.ts';
import { type Settings, SettingsSchema } from './schema.ts';
import { type Shape, shapeOf } from './shape.ts';

const HIDDEN = '***';

/** A copy for people and logs: secrets are `***`; of a URL only the password is hidden. Same shape as the settings. */
export function redact(settings: Settings): Settings {
  return hide(settings, shapeOf(SettingsSchema)) as Settings;
}

/** Twelve hex digits that change when the effective settings do. Secrets do not count: a new password is no new configuration. */
export function versionOf(settings: Settings): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(redact(settings))))
    .digest('hex')
    .slice(0, 12);
}

function hide(value: unknown, shape: Shape | undefined): unknown {
  if (typeof value === 'string') {
    if (shape?.secret !== true) return redactCredentials(value);
    return shape.form !== undefined && URL.canParse(value) ? hideInUrl(value) : HIDDEN;
  }
  if (Array.isArray(value)) return value.map((item) => hide(item, shape?.items));
  if (typeof value !== 'object' || value === null) return shape?.secret === true ? HIDDEN : value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hide(inner, shape?.properties?.[key])]));
}

/** Query and fragment go too: neither belongs in an AMQP URL, and either may hold a token. */
function hideInUrl(text: string): string {
  const url = new URL(text);
  if (url.password !== '') url.password = HIDDEN;
  url.search = '';
  url.hash = '';
  return url.href;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
