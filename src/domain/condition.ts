import { Environment } from '@marcbachmann/cel-js';
import { type Compiled, compiled, refused } from './compiled.ts';
import { shortcutOf } from './condition-shortcut.ts';
import { firstLine } from './excerpt.ts';

/** What a condition may name, with CEL's type of it. */
export type ConditionNames = Readonly<Record<string, 'string' | 'int' | 'double' | 'map' | 'list'>>;

/** Throws where it cannot be evaluated for these values. */
export type Condition = (values: Readonly<Record<string, unknown>>) => boolean;

/** CEL expressions (cel.dev) over one set of names that answer true or false. */
export class ConditionLanguage {
  private readonly environment: Environment;

  constructor(names: ConditionNames) {
    this.environment = Object.entries(names).reduce(
      (environment, [name, type]) => environment.registerVariable(name, type),
      new Environment({ unlistedVariablesAreDyn: false }),
    );
  }

  /** Refuses wrong syntax, names that are not known, and an answer other than true or false. */
  compile(text: string): Compiled<Condition> {
    let parsed: ReturnType<Environment['parse']>;
    try {
      parsed = this.environment.parse(text);
    } catch (error) {
      return refused(`this is not a CEL expression: ${firstLine(error)}`);
    }
    const { valid, type, error } = parsed.check();
    if (!valid) return refused(`this CEL expression cannot be evaluated: ${firstLine(error)}`);
    if (type !== 'bool' && type !== 'dyn') return refused(`the expression must answer true or false, not ${type ?? 'something else'}`);
    const shortcut = shortcutOf(parsed.ast);
    return compiled(shortcut === undefined ? (values) => parsed(values) === true : (values) => shortcut(values) ?? parsed(values) === true);
  }
}

/** Conditions on a reading: `when` of a route. */
export const READING_CONDITIONS: ConditionLanguage = new ConditionLanguage({
  device: 'string',
  profile: 'string',
  topic: 'string',
  values: 'map',
  units: 'map',
  tags: 'map',
  flags: 'list',
  measuredAt: 'double',
  receivedAt: 'double',
});

/** Conditions on a dead letter: `where` of a filter. */
export const LETTER_CONDITIONS: ConditionLanguage = new ConditionLanguage({
  id: 'string',
  code: 'string',
  stage: 'string',
  topic: 'string',
  device: 'string',
  route: 'string',
  message: 'string',
  attempts: 'int',
  replays: 'int',
  ageSeconds: 'int',
  size: 'int',
});
