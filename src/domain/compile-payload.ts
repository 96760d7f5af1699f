import { DevicePayload, type PayloadPlaces } from './device-payload.ts';
import { escapeKey } from './flatten.ts';
import { compileLayout } from './layout/compile.ts';
import type { LayoutPlan } from './layout/plan.ts';
import type { LayoutSpec } from './layout/spec.ts';
import { NameTable } from './name-pattern.ts';
import type { PayloadPath } from './payload-path.ts';
import type { PayloadAtSpec, ProfileSpec } from './profile.ts';
import type { ValuesCompiler, ValuesPlan } from './values-plan.ts';

/** How the bytes of the profile's devices are read; undefined where it names no layout. */
export function compilePayload(spec: ProfileSpec, values: ValuesPlan, compiler: ValuesCompiler): DevicePayload | undefined {
  const { payloadAt, payload } = spec;
  const places = payloadAt === undefined ? undefined : compilePlaces(payloadAt, values, compiler);
  if (payload === undefined) {
    return undefined;
  }
  if (places === undefined) {
    compiler.problem(['payload'], 'nothing says where the bytes of the device stand: `payloadAt` is needed');
    return undefined;
  }
  const plans = new Map<LayoutSpec, LayoutPlan>();
  const entries = Object.entries(payload).map(([name, layout]): [string, LayoutPlan] => {
    let plan = plans.get(layout);
    if (plan === undefined) {
      const compiled = compileLayout(layout);
      plan = compiled.plan;
      plans.set(layout, plan);
      for (const { at, message } of compiled.problems) {
        compiler.problem(['payload', name], `layout "${layout.name}", ${at.join('.')}: ${message}`);
      }
    }
    return [name, plan];
  });
  return new DevicePayload(places, new NameTable(entries, '/', (name, message) => compiler.problem(['payload', name], message)));
}

function compilePlaces(spec: PayloadAtSpec, values: ValuesPlan, compiler: ValuesCompiler): PayloadPlaces {
  const at = (key: string) => ['payloadAt', key] as const;
  const decoded = spec.decoded.map((text, i) => compiler.path([...at('decoded'), i], text));
  for (const [i, { steps }] of decoded.entries()) {
    if (steps.length === 0 || steps.some(({ name }) => name === undefined)) {
      compiler.problem([...at('decoded'), i], 'must be the place of an object, by names alone: $.object');
    }
  }
  const [first] = decoded;
  if (first === undefined) {
    compiler.problem(at('decoded'), 'at least one path is needed');
  }
  return {
    bytes: compiler.path(at('bytes'), spec.bytes),
    encoding: spec.encoding,
    port: spec.port === undefined ? undefined : compiler.path(at('port'), spec.port),
    model: spec.model === undefined ? undefined : compiler.path(at('model'), spec.model),
    decoded,
    prefix: first === undefined ? undefined : prefixOf(first, values),
  };
}

/** What values at the place are named with, before the names that they have there. */
function prefixOf(place: PayloadPath, values: ValuesPlan): string | undefined {
  if (values.kind !== 'fields' || !values.path.steps.every(({ name }, i) => name === place.steps[i]?.name)) {
    return undefined;
  }
  return place.steps
    .slice(values.path.steps.length)
    .map(({ name }) => `${escapeKey(name ?? '')}.`)
    .join('');
}
