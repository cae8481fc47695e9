// ThumbHash placeholders (Evan Wallace, 2023): about 25 bytes that unfold into a small blurred picture.
// A hash holds a few cosine terms of lightness, two colour axes and, where there is transparency, alpha.

const LONG_EDGE = 32;

/** Unfold a base64 ThumbHash into ImageData, or null when it is none. */
export function decodeThumbhash(text) {
  let bytes;
  try {
    bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
  return bytes.length < 5 ? null : paint(readHeader(bytes));
}

function readHeader(bytes) {
  const head = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
  const more = bytes[3] | (bytes[4] << 8);
  const hasAlpha = head >> 23 !== 0;
  const landscape = more >> 15 !== 0;
  const few = hasAlpha ? 5 : 7;
  const counted = Math.max(3, more & 7);
  const header = {
    lightness: (head & 63) / 63,
    yellowBlue: ((head >> 6) & 63) / 31.5 - 1,
    redGreen: ((head >> 12) & 63) / 31.5 - 1,
    alpha: hasAlpha ? (bytes[5] & 15) / 15 : 1,
    columns: landscape ? few : counted,
    rows: landscape ? counted : few,
  };
  const next = nibbles(bytes, hasAlpha ? 6 : 5);
  // Saturation was stored a quarter short of what it is, so that small errors do not show.
  header.lightnessTerms = terms(header.columns, header.rows, ((head >> 18) & 31) / 31, next);
  header.yellowBlueTerms = terms(3, 3, (((more >> 3) & 63) / 63) * 1.25, next);
  header.redGreenTerms = terms(3, 3, (((more >> 9) & 63) / 63) * 1.25, next);
  header.alphaTerms = hasAlpha ? terms(5, 5, (bytes[5] >> 4) / 15, next) : null;
  return header;
}

/** A function that gives the next 4-bit number from -1 to 1. */
function nibbles(bytes, start) {
  let position = start * 2;
  return () => {
    const byte = bytes[position >> 1] ?? 0x77;
    const nibble = (byte >> ((position++ & 1) * 4)) & 15;
    return nibble / 7.5 - 1;
  };
}

/** The cosine terms under the diagonal of a columns x rows grid, without the constant one. */
function terms(columns, rows, scale, next) {
  const found = [];
  for (let y = 0; y < rows; y++) {
    for (let x = y ? 0 : 1; x * rows < columns * (rows - y); x++) found.push({ x, y, value: next() * scale });
  }
  return found;
}

function paint(header) {
  const ratio = header.columns / header.rows;
  const width = Math.round(ratio > 1 ? LONG_EDGE : LONG_EDGE * ratio);
  const height = Math.round(ratio > 1 ? LONG_EDGE / ratio : LONG_EDGE);
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      const sum = (start, parts) => start + evaluate(parts, (x + 0.5) / width, (y + 0.5) / height);
      const lightness = sum(header.lightness, header.lightnessTerms);
      const yellowBlue = sum(header.yellowBlue, header.yellowBlueTerms);
      const redGreen = sum(header.redGreen, header.redGreenTerms);
      const blue = lightness - (2 / 3) * yellowBlue;
      const red = (3 * lightness - blue + redGreen) / 2;
      pixels[at] = 255 * red;
      pixels[at + 1] = 255 * (red - redGreen);
      pixels[at + 2] = 255 * blue;
      pixels[at + 3] = 255 * (header.alphaTerms ? sum(header.alpha, header.alphaTerms) : 1);
    }
  }
  return new ImageData(pixels, width, height);
}

function evaluate(parts, x, y) {
  let sum = 0;
  for (const part of parts) sum += part.value * Math.cos(Math.PI * part.x * x) * Math.cos(Math.PI * part.y * y) * 2;
  return sum;
}
