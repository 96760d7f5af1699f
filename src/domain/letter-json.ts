import type { Letter } from './letter.ts';

/** A letter for JSON: times as ISO 8601, names as in the API and in exports; what is not known is left out. */
export function letterJson(letter: Letter): Record<string, unknown> {
  const { receivedAt, firstFailedAt, buriedAt, firstId, ...rest } = letter;
  return {
    ...rest,
    ...(firstId === letter.id ? {} : { firstId }),
    receivedAt: iso(receivedAt),
    firstFailedAt: iso(firstFailedAt),
    buriedAt: iso(buriedAt),
  };
}

function iso(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString();
}
