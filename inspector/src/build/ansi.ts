// Text with the escape sequences of a terminal, as pieces with the names of their styles. Nothing of it is HTML.

export interface Piece {
  readonly text: string;
  /** Names of classes, such as `bold` and `red`. */
  readonly styles: readonly string[];
}

const MAX_CHARS = 256 * 1024;
const COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;

// A sequence with parameters (CSI), a string such as that of a link (OSC), and any other with one letter.
const SEQUENCE = /\x1b\[([0-9;:]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?/g;
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
// What changes the direction of the text around it would hide what the code says.
const DIRECTIONS = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

class Style {
  private readonly on = new Set<string>();
  private colour: string | undefined;

  names(): string[] {
    return [...this.on, ...(this.colour ? [this.colour] : [])];
  }

  apply(parameters: string): void {
    const codes = parameters.split(/[;:]/).map(Number);
    for (let at = 0; at < codes.length; at++) {
      const code = codes[at]!;
      if (code === 0) {
        this.on.clear();
        this.colour = undefined;
      } else if (code === 1) this.on.add('bold');
      else if (code === 2) this.on.add('dim');
      else if (code === 3) this.on.add('italic');
      else if (code === 4) this.on.add('underline');
      else if (code === 22) ['bold', 'dim'].forEach((name) => this.on.delete(name));
      else if (code === 23) this.on.delete('italic');
      else if (code === 24) this.on.delete('underline');
      else if (code >= 30 && code <= 37) this.colour = COLOURS[code - 30];
      else if (code >= 90 && code <= 97) this.colour = COLOURS[code - 90];
      else if (code === 39) this.colour = undefined;
      else if (code === 38 || code === 48) {
        // A colour of 256, or red, green and blue.
        const isIndex = codes[at + 1] === 5;
        const index = codes[at + 2] ?? -1;
        if (code === 38) this.colour = isIndex && index >= 0 && index < 16 ? COLOURS[index % 8] : undefined;
        at += isIndex ? 2 : 4;
      }
    }
  }
}

const visible = (text: string) => text.replace(CONTROLS, '').replace(DIRECTIONS, (sign) => `\\u{${sign.charCodeAt(0).toString(16)}}`);

/** The pieces of a text, of which the first 256 Ki characters count. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  const style = new Style();
  const add = (raw: string) => {
    const shown = visible(raw);
    if (!shown) return;
    const styles = style.names();
    const last = found.at(-1);
    if (last && last.styles.join() === styles.join()) found[found.length - 1] = { text: last.text + shown, styles };
    else found.push({ text: shown, styles });
  };
  const cut = text.slice(0, MAX_CHARS).replaceAll('\r\n', '\n');
  let end = 0;
  for (const match of cut.matchAll(SEQUENCE)) {
    add(cut.slice(end, match.index));
    end = match.index + match[0].length;
    if (match[2] === 'm') style.apply(match[1] || '0');
  }
  add(cut.slice(end));
  if (text.length > MAX_CHARS) found.push({ text: '\n…', styles: [] });
  return found;
}

/** The text alone. */
export const plainText = (text: string): string => pieces(text).map((piece) => piece.text).join('');
