/** Dead letters as /api/dead-letters tells of them. Times are ISO 8601 texts. */

export interface LetterView {
  readonly id: string;
  readonly origin: string;
  readonly code: string;
  readonly stage: string;
  readonly message: string;
  readonly topic: string;
  readonly routingKey: string;
  readonly attempts: number;
  readonly replays: number;
  readonly firstId?: string;
  readonly scope: string;
  readonly route?: string;
  readonly readingId?: string;
  readonly readings?: number;
  readonly device?: string;
  readonly receivedAt?: string;
  readonly firstFailedAt?: string;
  readonly buriedAt?: string;
  readonly config?: string;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly qos?: number;
  readonly size: number;
}

export interface LetterWalk {
  readonly present: number;
  readonly seen: number;
  readonly matched: number;
  readonly otherReaders: number;
  readonly ended: 'all' | 'enough' | 'short' | 'lost';
  readonly reason?: string;
}

export interface LetterPage extends LetterWalk {
  readonly letters: readonly LetterView[];
  readonly offset: number;
  readonly limit: number;
}

export interface LetterDetail extends LetterView {
  readonly payload_b64: string;
  readonly payloadCut: boolean;
}

export interface LetterPlan extends LetterWalk {
  readonly plan?: {
    readonly letters: number;
    readonly readings: number;
    readonly outcomes: Readonly<Record<string, number>>;
    readonly routes: Readonly<Record<string, number>>;
  };
}

export interface LetterChanges extends LetterWalk {
  readonly done: number;
  readonly skipped: Readonly<Record<string, number>>;
  readonly uncertain: number;
  readonly stopped?: string;
}
