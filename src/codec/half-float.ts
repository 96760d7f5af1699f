/** A float of half precision from its 16 bits (IEEE 754 binary16; RFC 8949 appendix D). NaN and infinity are null: missing. */
export function half(bits: number): number | null {
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 31) {
    return null;
  }
  const value = exponent === 0 ? mantissa * 2 ** -24 : (mantissa + 1024) * 2 ** (exponent - 25);
  return bits >= 0x8000 ? -value : value;
}
