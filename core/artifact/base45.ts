/** The characters of QR codes' alphanumeric mode, which are also those of Base45 (RFC 9285). */
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';
const VALUES = new Map([...ALPHABET].map((character, value) => [character, value]));

/** Encodes two bytes in three characters, and a last single byte in two. */
export function toBase45(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 2) {
    const isPair = at + 1 < bytes.length;
    const value = isPair ? bytes.readUInt16BE(at) : bytes.readUInt8(at);
    text += ALPHABET.charAt(value % 45) + ALPHABET.charAt(Math.floor(value / 45) % 45);
    if (isPair) text += ALPHABET.charAt(Math.floor(value / 2025));
  }
  return text;
}

/** @returns undefined if the text is not Base45 */
export function fromBase45(text: string): Buffer | undefined {
  if (text.length % 3 === 1) return undefined;
  const bytes = Buffer.alloc(Math.floor((text.length * 2) / 3));
  const valueAt = (at: number) => VALUES.get(text.charAt(at)) ?? Number.NaN;
  for (let at = 0, to = 0; at < text.length; at += 3, to += 2) {
    const isPair = at + 2 < text.length;
    const value = valueAt(at) + valueAt(at + 1) * 45 + (isPair ? valueAt(at + 2) * 2025 : 0);
    // The comparison also refuses what is not a number.
    if (!(value < (isPair ? 65_536 : 256))) return undefined;
    if (isPair) bytes.writeUInt16BE(value, to);
    else bytes.writeUInt8(value, to);
  }
  return bytes;
}
