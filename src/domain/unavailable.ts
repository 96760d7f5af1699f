/** Something that a start needs is not to be had (a port, a right, a folder), and waiting does not mend that; the message says what to do. */
export class Unavailable extends Error {}
