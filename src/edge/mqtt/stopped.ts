// Why a connection is not read.

export const READING = 0;
/** aedes is at its CONNECT. */
export const LOGIN = 1;
/** Enough of its packets are under way. */
export const SHARE = 2;
/** All clients together hold what may be held. */
export const ROOM = 3;
/** It publishes faster than it may. */
export const RATE = 4;
/** The listener closes. */
export const CLOSING = 5;
export type Stopped = typeof READING | typeof LOGIN | typeof SHARE | typeof ROOM | typeof RATE | typeof CLOSING;
