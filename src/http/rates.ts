import type { StatusProvider } from './ports.ts';

export interface Rates {
  /** Messages received per second. */
  readonly messagesIn: number;
  /** Items forwarded per second. */
  readonly itemsForwarded: number;
  /** Seconds that the rates are over; 0 while there is only one sample. */
  readonly windowSeconds: number;
}

interface Sample {
  readonly at: number;
  readonly messages: number;
  readonly items: number;
}

const SAMPLE_MS = 1000;
/** Samples kept: rates are over the last 10 s. */
const KEPT = 11;

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Keeps the counters of the last seconds. The times are measured, so a busy event loop that samples late does not bend the rates. */
export class RateSampler {
  private readonly provider: StatusProvider;
  private readonly samples: Sample[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(provider: StatusProvider) {
    this.provider = provider;
  }

  start(): void {
    if (this.timer !== undefined) return;
    this.sample();
    this.timer = setInterval(() => this.sample(), SAMPLE_MS);
    this.timer.unref();
  }

  close(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  sample(): void {
    const { ledger } = this.provider;
    this.samples.push({ at: this.provider.monotonic(), messages: ledger.messages.received, items: ledger.items.forwarded });
    if (this.samples.length > KEPT) this.samples.shift();
  }

  rates(): Rates {
    const first = this.samples[0];
    const last = this.samples.at(-1);
    if (first === undefined || last === undefined || last.at <= first.at) return { messagesIn: 0, itemsForwarded: 0, windowSeconds: 0 };
    const seconds = (last.at - first.at) / 1000;
    return {
      messagesIn: tenth((last.messages - first.messages) / seconds),
      itemsForwarded: tenth((last.items - first.items) / seconds),
      windowSeconds: tenth(seconds),
    };
  }
}
