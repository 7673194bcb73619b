/**
 * Reads the bytes of a BVH file as words and numbers, keeping the line for messages. Any white space separates; lines
 * end with LF, CRLF or CR. Knows nothing of joints: see bvh-hierarchy.ts and bvh.ts.
 */
import { Fault } from "../../../core/fault.ts";
import { CLIP_RANGE } from "../../../native/clip-layout.ts";

const LF = 10;
const CR = 13;
const PLUS = 43;
const MINUS = 45;
const POINT = 46;
const DIGIT_0 = 48;
const DIGIT_9 = 57;
const UPPER_E = 69;
const LOWER_E = 101;

/** Powers of ten that float64 holds exactly, so that one multiplication or division rounds correctly. */
const EXACT_POWERS = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/** A refusal of the file, with the line it is about. */
export function bvhFault(line: number, message: string): Fault {
  return new Fault("CLIP_INVALID", `BVH line ${line}: ${message}`, { line });
}

/** Space, tab, vertical tab, form feed, NUL (which some exporters pad with): what may stand between words of a line. */
function isBlank(byte: number | undefined): boolean {
  return byte === 32 || byte === 9 || byte === 11 || byte === 12 || byte === 0;
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === LF || byte === CR;
}

function isDigit(byte: number | undefined): byte is number {
  return byte !== undefined && byte >= DIGIT_0 && byte <= DIGIT_9;
}

export class BvhScanner {
  readonly bytes: Uint8Array;
  /** Byte offset of what is read next. */
  position: number;
  /** Line of `position`, counted from 1. */
  line = 1;
  /** Whether anything read so far could read differently if more bytes followed. */
  touchedEnd = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    const hasByteOrderMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    this.position = hasByteOrderMark ? 3 : 0;
  }

  get atEnd(): boolean {
    return this.position >= this.bytes.length;
  }

  /** True at a line end or the end of the file, after the blanks before it. */
  skipBlanks(): boolean {
    const { bytes } = this;
    while (isBlank(bytes[this.position])) this.position++;
    if (this.atEnd) this.touchedEnd = true;
    return this.atEnd || isLineEnd(bytes[this.position]);
  }

  /** Goes to the next word, over any number of lines. */
  skipWhiteSpace(): void {
    while (this.skipBlanks() && !this.atEnd) this.#skipLineEnd();
  }

  /** The next word, of any line; a brace is a word of its own. Empty at the end of the file. */
  word(): string {
    this.skipWhiteSpace();
    const start = this.position;
    if (this.#atBrace()) this.position++;
    else while (!this.#atWordEnd()) this.position++;
    return this.#text(start, this.position);
  }

  /** Like `word`, without going past it. */
  peekWord(): string {
    this.skipWhiteSpace();
    const { position, line } = this;
    const word = this.word();
    this.position = position;
    this.line = line;
    return word;
  }

  /** Goes past `text` (lower case), in any case, with any white space before it. False, going nowhere, where it is not next. */
  take(text: string): boolean {
    this.skipWhiteSpace();
    const { position } = this;
    if (position + text.length > this.bytes.length) this.touchedEnd = true;
    for (let i = 0; i < text.length; i++) {
      const byte = this.bytes[position + i] ?? 0;
      const lower = byte >= 65 && byte <= 90 ? byte + 32 : byte;
      if (lower !== text.charCodeAt(i)) return false;
    }
    this.position = position + text.length;
    return true;
  }

  /** The next word as a number within the range of the clip format; `what` names it in the refusal. Stays exact to the last digit. */
  number(what: string): number {
    this.skipWhiteSpace();
    return this.#numberHere(what);
  }

  /** Like `number`, of this line only: undefined where the line ends first. */
  numberOfLine(what: string): number | undefined {
    return this.skipBlanks() ? undefined : this.#numberHere(what);
  }

  /** Non-blank lines from here to the end of the file. */
  countLines(): number {
    const { position, line } = this;
    let count = 0;
    for (this.skipWhiteSpace(); !this.atEnd; this.skipWhiteSpace()) {
      count++;
      while (!this.atEnd && !isLineEnd(this.bytes[this.position])) this.position++;
    }
    this.position = position;
    this.line = line;
    return count;
  }

  /**
   * Decimal numbers of up to 15 digits and small exponents, which is all that capture tools write, are read digit by
   * digit: the mantissa and the power of ten are exact, so the one operation rounds as IEEE 754 asks (Clinger 1990).
   * Everything else goes through Number(), which is as exact and ten times slower.
   */
  #numberHere(what: string): number {
    const { bytes } = this;
    const start = this.position;
    let at = start;
    const negative = bytes[at] === MINUS;
    if (negative || bytes[at] === PLUS) at++;
    let mantissa = 0;
    let digits = 0;
    let decimals = 0;
    for (let byte = bytes[at]; isDigit(byte); byte = bytes[++at]) {
      mantissa = mantissa * 10 + (byte - DIGIT_0);
      digits++;
    }
    if (bytes[at] === POINT) {
      at++;
      for (let byte = bytes[at]; isDigit(byte); byte = bytes[++at]) {
        mantissa = mantissa * 10 + (byte - DIGIT_0);
        digits++;
        decimals++;
      }
    }
    const plain = digits > 0 && digits <= 15 && bytes[at] !== UPPER_E && bytes[at] !== LOWER_E;
    this.position = at;
    if (!plain || !this.#atWordEnd()) return this.#slowNumber(start, what);
    // 15 digits stay far below the range's end.
    const value = decimals === 0 ? mantissa : mantissa / (EXACT_POWERS[decimals] ?? Number.NaN);
    return negative ? -value : value;
  }

  #slowNumber(start: number, what: string): number {
    while (!this.#atWordEnd()) this.position++;
    const text = this.#text(start, Math.min(this.position, start + 400));
    const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
    const value = decimal ? Number(text) : Number.NaN;
    if (Math.abs(value) <= CLIP_RANGE.maxValue) return value;
    const found =
      text === "" && this.atEnd ? "the file ends" : `'${text.slice(0, 40) || this.word()}' stands`;
    throw bvhFault(
      this.line,
      `${found} where ${what} should be a decimal number within ±${CLIP_RANGE.maxValue}`,
    );
  }

  #skipLineEnd(): void {
    if (this.bytes[this.position] === CR && this.bytes[this.position + 1] === LF) this.position++;
    this.position++;
    this.line++;
  }

  #atWordEnd(): boolean {
    const byte = this.bytes[this.position];
    if (byte === undefined) this.touchedEnd = true;
    return byte === undefined || isBlank(byte) || isLineEnd(byte) || this.#atBrace();
  }

  #atBrace(): boolean {
    const byte = this.bytes[this.position];
    return byte === 123 || byte === 125;
  }

  #text(start: number, end: number): string {
    return new TextDecoder().decode(this.bytes.subarray(start, end));
  }
}
