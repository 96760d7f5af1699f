import { isUtf8 } from 'node:buffer';
import { quote } from '../codec/quote.ts';
import { encodeReading, textOf } from '../codec/reading.ts';
import type { Fault } from '../domain/fault.ts';
import type { InboundMessage } from '../domain/message.ts';
import type { Reading } from '../domain/reading.ts';
import { safeJson } from '../domain/safe-text.ts';
import type { Normalised } from './normaliser.ts';
import type { Destination } from './ports.ts';
import type { Routing } from './router.ts';
import { shortReading, WHOLE_TEXT } from './short-reading.ts';

/** Bytes of a payload that an event shows. */
export const SHOWN_BYTES = 4096;
/** Readings of one message that an event shows. */
export const SHOWN_READINGS = 50;

/** One message and what became of it, as JSON text without its opening brace, safe to show. */
export function tapEvent(
  message: InboundMessage,
  result: Normalised,
  routings: readonly Routing[],
  texts: readonly (Uint8Array | undefined)[],
  profile: string | undefined,
): string {
  const { topic, routingKey, body, receivedAt, contentType, contentEncoding, qos, redelivered } = message;
  const of = result.kind === 'readings' ? result.readings[0]?.profile : profile;
  return safeJson(
    `"at":${receivedAt},"topic":${quote(topic)},"routingKey":${quote(routingKey)},"bytes":${body.length},"contentType":${orNull(contentType)},"contentEncoding":${orNull(contentEncoding)},"qos":${qos ?? 'null'},"redelivered":${redelivered},"payload":${payloadJson(body)},"profile":${orNull(of)},${outcomeJson(result, routings, texts)}}`,
  );
}

/** What became of a message: `"outcome"`, `"reason"`, `"fault"`, `"readingCount"` and `"readings"`, as members of a JSON object. */
export function outcomeJson(result: Normalised, routings: readonly Routing[], texts: readonly (Uint8Array | undefined)[]): string {
  const outcome = result.kind === 'fault' ? 'dead-lettered' : result.kind;
  const reason = result.kind === 'filtered' ? quote(result.reason) : 'null';
  const fault = result.kind === 'fault' ? faultJson(result.fault) : 'null';
  const all = result.kind === 'readings' ? result.readings : [];
  const readings = all.slice(0, SHOWN_READINGS).map((reading, i) => readingJson(reading, routings[i], texts[i]));
  return `"outcome":"${outcome}","reason":${reason},"fault":${fault},"readingCount":${all.length},"readings":[${readings.join(',')}]`;
}

function readingJson(reading: Reading, routing: Routing | undefined, text: Uint8Array | undefined): string {
  const whole = text === undefined ? encodeReading(reading) : textOf(text);
  const cut = whole.length > WHOLE_TEXT;
  const wire = cut ? `${shortReading(reading).slice(0, -1)},"cut":true` : whole.slice(0, -1);
  if (routing === undefined) return `${wire},"routes":[],"fault":null}`;
  const { takers, taps, droppedBy, fault } = routing;
  const routes = [...taps, ...takers].map(destinationJson);
  if (droppedBy !== undefined) routes.push(`{"route":${quote(droppedBy)},"action":"drop","exchange":null,"routingKey":null,"bestEffort":false}`);
  return `${wire},"routes":[${routes.join(',')}],"fault":${fault === undefined ? 'null' : faultJson(fault)}}`;
}

function destinationJson({ route, exchange, routingKey, action }: Destination): string {
  const bestEffort = action.delivery === 'best-effort';
  return `{"route":${quote(route)},"action":"publish","exchange":${quote(exchange)},"routingKey":${quote(routingKey)},"bestEffort":${bestEffort}}`;
}

function faultJson({ code, message, stage }: Fault): string {
  return `{"code":"${code}","message":${quote(message)},"stage":"${stage}"}`;
}

function orNull(text: string | undefined): string {
  return text === undefined ? 'null' : quote(text);
}

/** The beginning of a payload: as text where it is text. */
export function payloadJson(body: Buffer): string {
  const cut = body.length > SHOWN_BYTES;
  let shown = cut ? body.subarray(0, SHOWN_BYTES) : body;
  if (cut) {
    // Not in the middle of a character: up to three bytes of it may stand at the end (RFC 3629).
    let end = shown.length;
    while (end > shown.length - 3 && ((body[end] as number) & 0xc0) === 0x80) end -= 1;
    if (isUtf8(body.subarray(0, end))) shown = body.subarray(0, end);
  }
  return isUtf8(shown) ? `{"text":${quote(shown.toString('utf8'))},"cut":${cut}}` : `{"base64":"${shown.toString('base64')}","cut":${cut}}`;
}
