import { type Static, type TObject, type TProperties, type TSchema, Type } from '@sinclair/typebox';

/**
 * Builders for the settings schema. Only what they make may stand in it: the validator, the documentation and the
 * JSON Schema for editors each know these shapes and no others.
 *
 * A key with a `default` may be left out of the file and is always there afterwards. `Type.Optional` is for keys whose
 * absence means something. Custom keywords: `secret` (never shown), `unit` (what a number counts), `maxBytes` (length
 * in UTF-8), `form` (a check that a pattern cannot express), `free` (data that a codec judges).
 */
export interface Keywords {
  readonly secret?: boolean;
  readonly unit?: 'bytes' | 'ms' | 's' | 'days' | 'messages' | 'readings' | 'batches' | 'entries';
  readonly maxBytes?: number;
  readonly form?: 'amqp-url' | 'amqp-urls' | 'http-url';
  /** Any YAML data below: what it means is not the settings' to say. */
  readonly free?: true;
}

interface TextOptions extends Keywords {
  readonly default?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

export function text(description: string, options: TextOptions = {}) {
  return Type.String({ description, ...options });
}

interface NumberOptions extends Keywords {
  readonly default?: number;
  readonly minimum: number;
  readonly maximum: number;
}

export function integer(description: string, options: NumberOptions) {
  return Type.Integer({ description, ...options });
}

/** A number of seconds or the like that may have a fraction. */
export function amount(description: string, options: NumberOptions) {
  return Type.Number({ description, ...options });
}

export function flag(description: string, byDefault: boolean) {
  return Type.Boolean({ description, default: byDefault });
}

export function choice<const T extends string>(description: string, values: readonly T[], byDefault?: T) {
  const options = byDefault === undefined ? { description } : { description, default: byDefault };
  return Type.Unsafe<T>({ type: 'string', enum: values, ...options });
}

export function list<T extends TSchema>(description: string, items: T, options: { readonly default?: readonly Static<T>[]; readonly minItems?: number } = {}) {
  return Type.Array(items, { description, ...options });
}

/** Free names on the left, one kind of value on the right. */
export function table<T extends TSchema>(description: string, values: T, options: { readonly default?: Record<string, never> } = {}) {
  return Type.Record(Type.String(), values, { description, ...options });
}

/** A mapping whose content somebody else judges. */
export function free(description: string) {
  return Type.Unsafe<Record<string, unknown>>({ type: 'object', free: true, description });
}

/** A value of an AMQP table, as YAML says it: text, whole number or truth value. */
export function scalar(description: string) {
  return Type.Union([Type.String(), Type.Number(), Type.Boolean()], { description });
}

/** An entry of a list: its keys, and nothing else. */
export function entry<T extends TProperties>(description: string, keys: T): TObject<T> {
  return Type.Object(keys, { description, additionalProperties: false });
}

/** A part of the file that may be left out as a whole: then every key in it has its default. */
export function section<T extends TProperties>(description: string, keys: T): TObject<T> {
  return Type.Object(keys, { description, additionalProperties: false, default: {} });
}

/** AMQP 0-9-1 carries names of exchanges and queues, and routing keys, as short strings: at most 255 bytes of UTF-8. */
export const SHORT = { maxBytes: 255 } as const;
