import { unknownOptions } from './option-checks.ts';
import type { CodecOptions } from './registry.ts';

export interface SparkplugOptions {
  /** Name of the value that tells whether a device is there; undefined: births and deaths tell only what their metrics do. */
  readonly status: string | undefined;
  /** Whether nodes are asked for their births. */
  readonly rebirth: boolean;
  /** The property that holds a metric's unit. */
  readonly unit: string;
}

/** For options that `checkOptions` found good. */
export function optionsOf(options: CodecOptions): SparkplugOptions {
  const { status = 'online', rebirth = true, unitProperty = 'engUnit' } = options;
  return { status: status === false ? undefined : (status as string), rebirth: rebirth === true, unit: unitProperty as string };
}

export function checkOptions(options: CodecOptions): string[] {
  const { status, rebirth, unitProperty } = options;
  const problems = unknownOptions(options, ['status', 'rebirth', 'unitProperty']);
  if (status !== undefined && status !== false && !isName(status)) {
    problems.push('status: must be the name of a value, or false');
  }
  if (rebirth !== undefined && typeof rebirth !== 'boolean') {
    problems.push('rebirth: must be true or false');
  }
  if (unitProperty !== undefined && !isName(unitProperty)) {
    problems.push('unitProperty: must be the name of a property');
  }
  return problems;
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value.length <= 128;
}
