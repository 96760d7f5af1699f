/** Small wrong edits of bytes, as broken devices, merged packets and hostile senders make them. */
export function mutated(seed: Buffer, other: Buffer, random: () => number): Buffer {
  let bytes = Buffer.from(seed);
  const at = (length: number): number => Math.floor(random() * length);
  for (let edits = 1 + at(4); edits > 0; edits -= 1) {
    const here = at(bytes.length + 1);
    const some = Buffer.from(Array.from({ length: 1 + at(8) }, () => at(256)));
    switch (at(9)) {
      case 0:
        if (bytes.length > 0) bytes[at(bytes.length)] = at(256);
        break;
      case 1:
        if (bytes.length > 0) bytes[at(bytes.length)] = (bytes[at(bytes.length)] ?? 0) ^ (1 << at(8));
        break;
      case 2:
        bytes = bytes.subarray(0, here);
        break;
      case 3:
        bytes = bytes.subarray(here);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, here), some, bytes.subarray(here)]);
        break;
      case 5:
        // Two payloads merged into one.
        bytes = Buffer.concat([bytes.subarray(0, here), other.subarray(at(other.length + 1))]);
        break;
      case 6: {
        // A piece that comes again and again: nesting, long lists.
        const piece = bytes.subarray(here, here + 1 + at(16));
        bytes = Buffer.concat([bytes.subarray(0, here), ...Array.from({ length: at(200) }, () => piece), bytes.subarray(here)]);
        break;
      }
      case 7:
        // Declared lengths and counts that promise too much.
        if (bytes.length > 4) bytes.writeUInt32BE(0xff_ff_ff_ff, at(bytes.length - 3));
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, here), bytes.subarray(here + 1 + at(8))]);
        break;
    }
    if (bytes.length > 65_536) bytes = bytes.subarray(0, 65_536);
  }
  return bytes;
}
