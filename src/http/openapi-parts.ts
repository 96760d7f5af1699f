/** Pieces of a JSON Schema 2020-12, which is what OpenAPI 3.1 speaks. */
export type Schema = Readonly<Record<string, unknown>>;

export function described(schema: Schema, description: string): Schema {
  return { ...schema, description };
}

export const TEXT: Schema = { type: 'string' };
export const FLAG: Schema = { type: 'boolean' };
export const NUMBER: Schema = { type: 'number' };
export const COUNT: Schema = { type: 'integer', minimum: 0 };
/** Milliseconds since 1970. */
export const AT: Schema = { type: 'number', description: 'Milliseconds since 1970-01-01T00:00:00Z.' };
export const ISO: Schema = { type: 'string', format: 'date-time' };
export const ANY: Schema = {};

export function choice(...values: readonly string[]): Schema {
  return { type: 'string', enum: values };
}

export function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] };
}

export function listOf(items: Schema, description?: string): Schema {
  return { type: 'array', items, ...(description === undefined ? {} : { description }) };
}

export function tableOf(values: Schema): Schema {
  return { type: 'object', additionalProperties: values };
}

/** Exactly these members, all of them always there save the `optional` ones. */
export function exactly(properties: Readonly<Record<string, Schema>>, optional: Readonly<Record<string, Schema>> = {}): Schema {
  return { type: 'object', properties: { ...properties, ...optional }, required: Object.keys(properties), additionalProperties: false };
}

export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}
