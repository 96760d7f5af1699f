import { READING_CONDITIONS } from '../../domain/condition.ts';
import { checkRouteTemplate } from '../../domain/route-template.ts';
import { topicFilterProblem } from '../../domain/topic-template.ts';
import type { RawProfile, RawRoute } from '../schema.ts';
import { type Entry, type Lint, takesAll } from './context.ts';

/** Keys that say how to publish: without meaning beside `drop: true`. */
const PUBLISH_KEYS = [
  'exchange',
  'routingKey',
  'headers',
  'delivery',
  'batch',
  'encoding',
  'gzip',
  'priority',
  'ttlMs',
  'overflow',
  'laneReadings',
  'buryAfterSeconds',
];

/** What can be said about each rule alone, and about their order. */
export function lintRoutes(lint: Lint): void {
  const profileNames = lint.names('profiles').map((n) => n.value);
  for (const { at, value: route } of lint.routes) {
    action(lint, at, route);
    for (const [i, filter] of (route.topics ?? []).entries()) {
      const problem = topicFilterProblem(filter);
      if (problem !== undefined) lint.error([...at, 'topics', i], problem);
    }
    for (const [i, name] of (route.profiles ?? []).entries()) {
      if (!profileNames.includes(name)) lint.unknown([...at, 'profiles', i], 'profile', name, profileNames);
    }
    const condition = route.when === undefined ? undefined : READING_CONDITIONS.compile(route.when);
    if (condition?.ok === false) lint.error([...at, 'when'], condition.problem);
    templates(lint, at, route);
  }
  if (!lint.failedAt(['routes'])) order(lint);
}

function action(lint: Lint, at: Entry<unknown>['at'], route: RawRoute): void {
  if (!route.drop) {
    if (route.exchange === undefined) lint.error([...at, 'exchange'], 'the rule needs an `exchange` to publish to', 'or `drop: true`, to leave readings out');
    return;
  }
  for (const key of PUBLISH_KEYS) {
    if (lint.written([...at, key])) lint.error([...at, key], `\`${key}\` has no meaning beside \`drop: true\``);
  }
  if (lint.written([...at, 'continue']) && route.continue) lint.error([...at, 'continue'], '`drop: true` ends the search; it cannot continue');
}

/** Insertions of a template, with where it stands. */
function templates(lint: Lint, at: Entry<unknown>['at'], route: RawRoute): void {
  const all: { readonly path: Entry<unknown>['at']; readonly text: string }[] = [{ path: [...at, 'routingKey'], text: route.routingKey }];
  for (const [name, text] of Object.entries(route.headers ?? {})) all.push({ path: [...at, 'headers', name], text });
  const profiles = lint.profiles.map((p) => p.value).filter((p) => route.profiles?.includes(p.name) ?? true);
  for (const { path, text } of all) {
    const problems = checkRouteTemplate(text);
    for (const problem of problems) lint.error(path, problem);
    if (problems.length > 0 || profiles.length === 0 || lint.failedAt(['profiles']) || lint.failedAt(['profileFiles'])) continue;
    for (const [, kind, name] of text.matchAll(/\{(tags|values)\.([^{}]+)\}/g)) {
      if (kind === undefined || name === undefined || profiles.some((p) => mayHave(p, kind, name))) continue;
      lint.warn(path, `{${kind}.${name}} is always empty: none of the rule's profiles has it`, known(profiles, kind));
    }
  }
  for (const name of Object.keys(route.headers ?? {})) {
    if (Buffer.byteLength(name) > 255 || name === '') lint.error([...at, 'headers', name], 'the name of an AMQP header has 1 to 255 bytes');
  }
}

function mayHave(profile: RawProfile, kind: string, name: string): boolean {
  if (kind === 'tags') return profile.tags !== undefined && Object.hasOwn(profile.tags, name);
  return typeof profile.values === 'string' || Object.hasOwn(profile.values, name) || profile.scalar === name;
}

function known(profiles: readonly RawProfile[], kind: string): string {
  const names = new Set(profiles.flatMap((p) => Object.keys(kind === 'tags' ? (p.tags ?? {}) : typeof p.values === 'string' ? {} : p.values)));
  return names.size === 0 ? `there are no ${kind}` : `there are: ${[...names].join(', ')}`;
}

function order(lint: Lint): void {
  const last = lint.routes.findIndex(({ value }) => takesAll(value) && !value.continue);
  const stop = lint.routes[last];
  if (stop !== undefined) {
    for (const { at, value } of lint.routes.slice(last + 1)) {
      lint.warn([...at, 'name'], `rule "${value.name}" is never reached: "${stop.value.name}" (${lint.line(stop.at)}) takes every reading`);
    }
  }
  // A best-effort copy settles nothing: a reading that only such rules take is dead-lettered as NO_ROUTE.
  let taken = false;
  for (const [i, { at, value: route }] of lint.routes.entries()) {
    if (route.delivery === 'best-effort' && !route.drop && !taken) {
      const behind = lint.routes.slice(i + 1).some(({ value }) => value.drop || value.delivery === 'confirmed');
      const message = 'best-effort would be the only taker of these readings, and they would be dead-lettered';
      if (!route.continue) lint.error([...at, 'delivery'], message, 'say `continue: true`, so that a confirmed rule behind it takes them');
      else if (!behind) lint.error([...at, 'delivery'], message, 'put a confirmed rule (or `drop: true`) behind it');
    }
    if (takesAll(route) && !route.drop && route.delivery === 'confirmed') taken = true;
  }
}
