import type { LayoutSpec } from './layout/spec.ts';
import type { ProfileSpec } from './profile.ts';
import { compileProfile, type ProfilePlan, type ProfileResult } from './profile-plan.ts';
import { compileTopicTemplate, type TopicTemplate } from './topic-template.ts';

/**
 * Compiles profiles. Those that say the same of their payloads, whatever they and their topics are called, get one plan, the same
 * object: thousands of profiles are mostly a few, and what each message reads should be in the caches of the processor.
 */
export class SharedPlans {
  private readonly plans: Map<string, ProfilePlan> = new Map();
  private readonly layouts: Map<LayoutSpec, number> = new Map();

  /** As `compileProfile`. */
  compile(spec: ProfileSpec): ProfileResult {
    const { name } = spec;
    const templates = templatesOf(spec.topics);
    const ignored = templatesOf(spec.ignore ?? []);
    if (templates === undefined || ignored === undefined) return compileProfile(spec);
    const said = this.said(spec, templates);
    const plan = this.plans.get(said);
    if (plan !== undefined) return { ok: true, value: { name, templates, ignored, plan } };
    const result = compileProfile(spec);
    if (result.ok) this.plans.set(said, result.value.plan);
    return result;
  }

  /** Everything that a plan, or a problem of it, follows from. Of topics that is what they capture. */
  private said(spec: ProfileSpec, templates: readonly TopicTemplate[]): string {
    const { payload } = spec;
    const layouts = payload === undefined ? undefined : Object.entries(payload).map(([name, layout]) => [name, this.numberOf(layout)]);
    const rest = { ...spec, name: undefined, topics: undefined, ignore: undefined, payload: layouts };
    return JSON.stringify([templates.map(({ captures }) => captures), rest], exactNumber);
  }

  /** Layouts are large, and profiles that use one name the same object. */
  private numberOf(layout: LayoutSpec): number {
    const number = this.layouts.get(layout) ?? this.layouts.size;
    this.layouts.set(layout, number);
    return number;
  }
}

/** undefined where one of them is wrong. */
function templatesOf(texts: readonly string[]): TopicTemplate[] | undefined {
  const templates: TopicTemplate[] = [];
  for (const text of texts) {
    const template = compileTopicTemplate(text);
    if (!template.ok) return undefined;
    templates.push(template.value);
  }
  return templates;
}

/** JSON has no infinity, no -0 and no bigint; where a profile has numbers it has no objects. */
function exactNumber(_: string, value: unknown): unknown {
  const exact = typeof value === 'bigint' || (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)));
  return exact ? { number: `${typeof value} ${value}` } : value;
}
