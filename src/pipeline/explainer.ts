import { type CodecRegistry, defaultCodecs } from '../codec/registry.ts';
import { safeJson } from '../domain/safe-text.ts';
import { quote } from '../codec/quote.ts';
import type { Limits, ProfileSpec } from '../domain/profile.ts';
import type { RouteSpec } from '../domain/route.ts';
import { explain, explanationText } from './explain.ts';
import { Router } from './router.ts';
import { outcomeJson } from './tap-event.ts';
import { Decoder, type DecodeInput } from './trial-decoder.ts';

/** What a message is decoded and routed by. */
export interface ExplainedSettings {
  readonly profiles: readonly ProfileSpec[];
  readonly limits: Limits;
  readonly routes: readonly RouteSpec[];
}

/**
 * Says what would become of a message under the settings in force. Has decoders of its own: nothing that it is asked
 * teaches the gateway's codecs anything, and nothing that one question teaches its own is there at the next.
 */
export class Explainer {
  private readonly codecs: CodecRegistry = defaultCodecs();
  private settings: ExplainedSettings;
  private decoder: Decoder | undefined;
  private router: Router | undefined;

  constructor(settings: ExplainedSettings) {
    this.settings = settings;
  }

  /** From now on these settings are in force. */
  use(settings: ExplainedSettings): void {
    this.settings = settings;
    this.decoder = undefined;
    this.router = undefined;
  }

  /** The profile that reads a topic. */
  profileOf(topic: string): string | undefined {
    return this.decoding().profileOf(topic);
  }

  /** JSON text: `text` is for a person, the rest as in the events of a tap. */
  explain(input: DecodeInput): string {
    const outcome = this.decoding().decode(input);
    const { result, match } = outcome;
    const router = (this.router ??= new Router(this.settings.routes, () => {}));
    const routings = result.kind === 'readings' ? result.readings.map((reading) => router.route(reading)) : [];
    const text = explanationText(explain(outcome, (reading) => router.route(reading)));
    if (match !== undefined && [match.profile.codec].flat().some((name) => this.codecs.get(name)?.stateful === true)) this.decoder = undefined;
    const profile = match === undefined ? 'null' : quote(match.profile.name);
    return safeJson(`{"text":${quote(text)},"profile":${profile},${outcomeJson(result, routings, [])}}`);
  }

  private decoding(): Decoder {
    return (this.decoder ??= new Decoder(this.settings.profiles, this.codecs, this.settings.limits));
  }
}
