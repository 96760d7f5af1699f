import { emptyBag } from '../domain/bag.ts';
import { type Condition, READING_CONDITIONS } from '../domain/condition.ts';
import { firstLine } from '../domain/excerpt.ts';
import { type Fault, fault } from '../domain/fault.ts';
import type { Reading } from '../domain/reading.ts';
import type { RouteSpec } from '../domain/route.ts';
import { compileRouteTemplate, type RouteTemplate } from '../domain/route-template.ts';
import { topicFilterProblem } from '../domain/topic-template.ts';
import type { Destination } from './ports.ts';
import { RuleIndex } from './rule-index.ts';

/** What becomes of one reading. Exactly one of the three ends is set; taps come on top. */
export interface Routing {
  /** Destinations that owe it to somebody. */
  readonly takers: readonly Destination[];
  /** Best-effort copies. */
  readonly taps: readonly Destination[];
  /** Name of the rule that dropped it, if that is how it ended. */
  readonly droppedBy: string | undefined;
  /** Set when no rule took it, or a rule took it and cannot be carried out for it. */
  readonly fault: Fault | undefined;
  readonly faultRoute: string | undefined;
}

interface Rule {
  readonly spec: RouteSpec;
  readonly when: Condition | undefined;
  readonly target: Target | undefined;
}

/** AMQP 0-9-1 shortstr: at most 255 bytes. */
const ROUTING_KEY_BYTES = 255;
/** Keeps the header table far below the 64 kB at which the client refuses it. */
const HEADER_BYTES = 1024;
/** Distinct destinations remembered per route; a device that invents routing keys only costs a rebuilt object. */
const CACHED_DESTINATIONS = 10_000;

export type RuleFailure = (route: string, message: string) => void;

/**
 * The routing table. Compiled once; throws with the route's name on an expression or template that is wrong
 * (the settings are checked before, so that only reaches somebody who builds one by hand).
 */
export class Router {
  private readonly rules: RuleIndex<Rule>;
  private readonly context = emptyBag<unknown>();
  private readonly onRuleFailure: RuleFailure;
  /** What `context` says is of this one. */
  private asked: Reading | undefined;

  constructor(specs: readonly RouteSpec[], onRuleFailure: RuleFailure) {
    this.onRuleFailure = onRuleFailure;
    const rules = specs.map((spec) => {
      try {
        return compileRule(spec);
      } catch (error) {
        throw new Error(`route "${spec.name}": ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
    });
    this.rules = new RuleIndex(rules);
  }

  route(reading: Reading): Routing {
    // Most readings have one taker and no best-effort copy, and this runs for every reading.
    let takers: readonly Destination[] = NONE;
    let taps: readonly Destination[] = NONE;
    for (const { spec, when, target } of this.rules.of(reading.topic, reading.profile)) {
      if (when !== undefined && !this.evaluate(spec.name, when, reading)) continue;
      if (target === undefined) {
        // A drop behind a taker only ends the search: what was taken is not taken back.
        if (takers.length === 0) return { takers, taps, droppedBy: spec.name, fault: undefined, faultRoute: undefined };
        break;
      }
      const way = target.resolve(reading);
      // Nearly always. The others make their routing anew.
      if (takers.length === 0 && taps.length === 0 && way.ends) return way.routing;
      const { destination } = way;
      if (target.action.delivery === 'best-effort') {
        if (!isFault(destination)) taps = [...taps, destination];
      } else {
        if (isFault(destination)) return { takers: NONE, taps, droppedBy: undefined, fault: destination, faultRoute: spec.name };
        takers = takers.length === 0 ? [destination] : [...takers, destination];
      }
      if (!spec.continue) break;
    }
    if (takers.length > 0) return { takers, taps, droppedBy: undefined, fault: undefined, faultRoute: undefined };
    const none = fault('NO_ROUTE', `no route takes device "${reading.device}" of profile "${reading.profile}"`);
    return { takers, taps, droppedBy: undefined, fault: none, faultRoute: undefined };
  }

  /** An expression that cannot be evaluated for this reading does not match; that a field is absent is not even worth a word. */
  private evaluate(route: string, condition: Condition, reading: Reading): boolean {
    if (reading !== this.asked) this.ask(reading);
    try {
      return condition(this.context);
    } catch (error) {
      const message = firstLine(error);
      if (!message.startsWith('No such key')) this.onRuleFailure(route, message);
      return false;
    }
  }

  private ask(reading: Reading): void {
    const { context } = this;
    this.asked = reading;
    context['device'] = reading.device;
    context['profile'] = reading.profile;
    context['topic'] = reading.topic;
    context['values'] = reading.values;
    context['units'] = reading.units ?? NOTHING;
    context['tags'] = reading.tags ?? NOTHING;
    context['flags'] = reading.flags ?? NO_FLAGS;
    context['measuredAt'] = reading.measuredAt;
    context['receivedAt'] = reading.receivedAt;
  }
}

const NOTHING: Readonly<Record<string, string>> = Object.freeze(Object.create(null) as Record<string, string>);
const NO_FLAGS: readonly string[] = [];
const NONE: readonly Destination[] = [];

function compileRule(spec: RouteSpec): Rule {
  for (const filter of spec.topics ?? []) {
    const problem = topicFilterProblem(filter);
    if (problem !== undefined) throw new TypeError(problem);
  }
  return {
    spec,
    when: spec.when === undefined ? undefined : compileCondition(spec.when),
    target: spec.action.kind === 'publish' ? new Target(spec) : undefined,
  };
}

function compileCondition(text: string): Condition {
  const result = READING_CONDITIONS.compile(text);
  if (!result.ok) throw new Error(`when: ${result.problem}`);
  return result.value;
}

/** Different for different texts, whatever is in them. */
function joined(texts: readonly string[]): string {
  return texts.map((text) => `${text.length} ${text}`).join('');
}

function isFault(found: Destination | Fault): found is Fault {
  return 'code' in found;
}

/** Where a route leads, for all readings whose templates come to the same. */
interface Way {
  readonly destination: Destination | Fault;
  /** Of a reading that no other rule has taken before. */
  readonly routing: Routing;
  /** That is all of it: no rule behind this one is asked. */
  readonly ends: boolean;
}

/** Renders and remembers the destinations of one publishing route. */
class Target {
  readonly action: Destination['action'];
  private readonly route: string;
  private readonly final: boolean;
  private readonly key: RouteTemplate;
  private readonly headers: readonly (readonly [string, RouteTemplate])[];
  /** By the keys of the templates. */
  private readonly known: Map<string, Way> = new Map();

  constructor(spec: RouteSpec) {
    if (spec.action.kind !== 'publish') throw new Error('a drop rule has no target');
    this.action = spec.action;
    this.route = spec.name;
    this.final = !spec.continue;
    this.key = compileRouteTemplate(spec.action.routingKey, 'routing-key');
    this.headers = Object.entries(spec.action.headers ?? {}).map(([name, text]) => [name, compileRouteTemplate(text, 'text')]);
  }

  resolve(reading: Reading): Way {
    const { key, headers } = this;
    const known = headers.length === 0 ? key.key(reading) : joined([key.key(reading), ...headers.map(([, template]) => template.key(reading))]);
    return this.known.get(known) ?? this.remember(known, reading);
  }

  private remember(known: string, reading: Reading): Way {
    if (this.known.size >= CACHED_DESTINATIONS) this.known.clear();
    const routingKey = this.key.render(reading);
    const headers = this.headers.map(([name, template]) => [name, template.render(reading)] as const);
    const rendered = headers.length === 0 ? routingKey : joined([routingKey, ...headers.map(([, text]) => text)]);
    // The same after a reload: what goes the way that it went before keeps its lane, and so its order.
    const destination = this.build(`${this.route}\n${this.action.exchange}\n${rendered}`, routingKey, headers);
    const failed = isFault(destination);
    const way: Way = {
      destination,
      routing: {
        takers: failed ? NONE : [destination],
        taps: NONE,
        droppedBy: undefined,
        fault: failed ? destination : undefined,
        faultRoute: failed ? this.route : undefined,
      },
      ends: this.action.delivery !== 'best-effort' && (this.final || failed),
    };
    this.known.set(known, way);
    return way;
  }

  private build(key: string, routingKey: string, headers: readonly (readonly [string, string])[]): Destination | Fault {
    if (Buffer.byteLength(routingKey) > ROUTING_KEY_BYTES) {
      return fault('ROUTE_INVALID', `route "${this.route}" builds a routing key of ${Buffer.byteLength(routingKey)} bytes; AMQP allows ${ROUTING_KEY_BYTES}`);
    }
    for (const [name, text] of headers) {
      if (Buffer.byteLength(text) > HEADER_BYTES) {
        return fault('ROUTE_INVALID', `route "${this.route}" builds a header "${name}" of ${Buffer.byteLength(text)} bytes; at most ${HEADER_BYTES}`);
      }
    }
    return {
      key,
      route: this.route,
      action: this.action,
      exchange: this.action.exchange,
      routingKey,
      headers: headers.length === 0 ? undefined : Object.fromEntries(headers),
      final: this.final,
    };
  }
}
