// PNG with a palette of 256 colours: a third of the size of a screenshot, and the same to the eye.
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
const MAX_COLOURS = 256;

/** The pixels of a PNG as a browser writes it: 8 bits, RGB or RGBA, not interlaced. */
function decode(png) {
  const data = [];
  let [width, height, step] = [0, 0, 0];
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') [width, height, step] = [body.readUInt32BE(0), body.readUInt32BE(4), body[9] === 6 ? 4 : 3];
    if (type === 'IDAT') data.push(body);
    at += length + 12;
  }
  const rows = inflateSync(Buffer.concat(data));
  const stride = width * step;
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const left = x >= step ? pixels[y * stride + x - step] : 0;
      const up = y ? pixels[(y - 1) * stride + x] : 0;
      const corner = y && x >= step ? pixels[(y - 1) * stride + x - step] : 0;
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      pixels[y * stride + x] = rows[y * (stride + 1) + 1 + x] + predicted;
    }
  }
  return { width, height, step, pixels };
}

function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

function chunk(type, body) {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const whole = Buffer.alloc(body.length + 12);
  whole.writeUInt32BE(body.length, 0);
  named.copy(whole, 4);
  whole.writeUInt32BE(crc32(named), body.length + 8);
  return whole;
}

/** The same picture with the colours that most pixels have; the others get the nearest of them. */
export function withPalette(png) {
  const { width, height, step, pixels } = decode(png);
  const colourAt = (index) => (pixels[index * step] << 16) | (pixels[index * step + 1] << 8) | pixels[index * step + 2];
  const counts = new Map();
  for (let index = 0; index < width * height; index++) counts.set(colourAt(index), (counts.get(colourAt(index)) ?? 0) + 1);
  const palette = [];
  // Colours that differ by less than this share a place, so that there is one for each kind; as few as have to.
  const sorted = [...counts].sort(([, one], [, other]) => other - one).map(([colour]) => colour);
  for (let apart = 0; ; apart += 4) {
    palette.length = 0;
    for (const colour of sorted) {
      if (palette.every((known) => distance(known, colour) > apart * apart)) palette.push(colour);
      if (palette.length > MAX_COLOURS) break;
    }
    if (palette.length <= MAX_COLOURS) break;
  }
  const nearest = new Map();
  const placeOf = (colour) => {
    let place = nearest.get(colour);
    if (place === undefined) {
      place = 0;
      for (let index = 1; index < palette.length; index++) if (distance(palette[index], colour) < distance(palette[place], colour)) place = index;
      nearest.set(colour, place);
    }
    return place;
  };
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = placeOf(colourAt(y * width + x));
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  return Buffer.concat([SIGNATURE, chunk('IHDR', head), chunk('PLTE', colours), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}

const distance = (one, other) => ((one >> 16) - (other >> 16)) ** 2 + (((one >> 8) & 255) - ((other >> 8) & 255)) ** 2 + ((one & 255) - (other & 255)) ** 2;
