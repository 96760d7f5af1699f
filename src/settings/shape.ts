import type { TSchema } from '@sinclair/typebox';
import type { Keywords } from './schema/keys.ts';

/** The schema as the validator and the documentation read it: the JSON Schema keywords that the builders of schema/keys.ts make. */
export interface Shape extends Keywords {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly pattern?: string;
}

export function shapeOf(schema: TSchema): Shape {
  return schema;
}

/** Value shape of a table with free names. */
export function tableOf(shape: Shape): Shape | undefined {
  return shape.patternProperties === undefined ? undefined : Object.values(shape.patternProperties)[0];
}

/** Every key that may be left out has a value in here; others stay out. */
export function defaultOf(shape: Shape): unknown {
  if (shape.properties === undefined) return structuredClone(shape.default);
  return Object.fromEntries(
    Object.entries(shape.properties)
      .filter(([, key]) => key.default !== undefined)
      .map(([name, key]) => [name, defaultOf(key)]),
  );
}

/** Must stand in the file. */
export function isRequired(shape: Shape, key: string): boolean {
  return shape.required?.includes(key) === true && shape.properties?.[key]?.default === undefined;
}
