import type { CodecSurroundings } from './codec-environment.ts';
import { defaultCodecs } from '../codec/registry.ts';
import { CodecMemory } from '../pipeline/codec-memory.ts';
import { compileNormaliser } from '../pipeline/normaliser.ts';
import { Router, type RuleFailure } from '../pipeline/router.ts';
import type { Rules } from '../pipeline/rules.ts';
import type { Settings } from '../settings/load.ts';
import { needsState } from './topology-options.ts';

export interface RulesFactoryParts {
  readonly instance: string;
  readonly surroundings: CodecSurroundings;
  readonly onRuleFailure: RuleFailure;
}

/** Makes the rules of a gateway of its settings. What its codecs have learned under the rules before stays known. */
export function rulesFactory({ instance, surroundings, onRuleFailure }: RulesFactoryParts): (settings: Settings, config: string) => Rules {
  const memory = new CodecMemory();
  let made = 0;
  return ({ profiles, limits, routes }, config) => {
    if (needsState(profiles)) surroundings.need();
    // Each counts its arrivals from 0: two with one name would give two readings one id.
    const name = made === 0 ? instance : `${instance}.${made}`;
    const normaliser = compileNormaliser(profiles, defaultCodecs(), limits, name, surroundings.environment, memory);
    const rules = { config, normaliser, router: new Router(routes, onRuleFailure) };
    made += 1;
    return rules;
  };
}

/** Rules of these settings that learn, keep and command nothing: to try messages on. */
export function detachedRules({ profiles, limits, routes }: Settings, config: string, instance: string): Rules {
  return { config, normaliser: compileNormaliser(profiles, defaultCodecs(), limits, instance), router: new Router(routes, () => {}) };
}
