import { FormatError } from '../format-error.ts';
import { shown } from './shown.ts';

/** One `key = value` line. */
export type KeyValue = readonly [key: string, value: string];

/** A line with the offset of its first byte, without its line feed. */
export interface Line {
  readonly text: string;
  readonly offset: number;
}

/** A metadata file is a few hundred bytes; the longest value is the command line of the tool. */
export const metadataBytesMax = 1024 * 1024;

/**
 * Cuts a metadata file into lines. Every line, the last one too, ends in a line
 * feed: a file without it was cut short.
 * @throws FormatError invalid over the size limit or, with `strict`, on bytes that are not UTF-8;
 *   truncated when the last line has no end.
 */
export function splitLines(bytes: Uint8Array, name: string, strict = false): Line[] {
  if (bytes.length > metadataBytesMax) {
    throw new FormatError(
      'invalid',
      `${name} > size`,
      0,
      `${bytes.length} bytes are over the limit ${metadataBytesMax}`,
    );
  }
  const lines: Line[] = [];
  let start = 0;
  while (start < bytes.length) {
    const end = bytes.indexOf(0x0a, start);
    if (end < 0) {
      throw new FormatError('truncated', `${name} > line`, start, 'the last line has no end');
    }
    lines.push({
      text: decodeText(bytes.subarray(start, end), name, start, strict),
      offset: start,
    });
    start = end + 1;
  }
  return lines;
}

function decodeText(bytes: Uint8Array, name: string, offset: number, strict: boolean): string {
  try {
    return new TextDecoder('utf-8', { fatal: strict, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError('invalid', `${name} > line`, offset, 'not UTF-8');
  }
}

/** The lines of a `key = value` file, by key, in the order of the file. */
export class KeyValues {
  readonly #name: string;
  readonly #size: number;
  readonly #values = new Map<string, { value: string; offset: number }>();

  /**
   * Values are text for people (a command line in any character set), so bytes
   * that are not UTF-8 become U+FFFD instead of making the backup unreadable.
   * @throws FormatError invalid on a line without ` = `, a bad key or a key given twice.
   */
  constructor(bytes: Uint8Array, name: string) {
    this.#name = name;
    this.#size = bytes.length;
    for (const { text, offset } of splitLines(bytes, name)) {
      const cut = text.indexOf(' = ');
      if (cut < 0) throw new FormatError('invalid', `${name} > line`, offset, `no " = " in a line`);
      const key = text.slice(0, cut);
      if (!isKey(key)) {
        throw new FormatError('invalid', `${name} > key`, offset, `${shown(key)} is no key`);
      }
      if (this.#values.has(key)) {
        throw new FormatError('invalid', `${name} > ${key}`, offset, 'given twice');
      }
      this.#values.set(key, { value: text.slice(cut + 3), offset });
    }
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** @throws FormatError truncated when there is no such line: these files are never written without. */
  text(key: string): string {
    return this.#get(key).value;
  }

  /** @throws FormatError invalid unless the value is a decimal number of 64 bits. */
  u64(key: string): bigint {
    const { value, offset } = this.#get(key);
    const number = parseU64(value);
    if (number === undefined) {
      throw this.#invalid(key, offset, `${shown(value)} is no unsigned 64-bit number`);
    }
    return number;
  }

  /** @throws FormatError invalid unless the value is one of those listed. */
  choice<T>(key: string, choices: Readonly<Record<string, T>>): T {
    const { value, offset } = this.#get(key);
    const found = Object.entries(choices).find(([text]) => text === value);
    if (found === undefined) {
      throw this.#invalid(
        key,
        offset,
        `${shown(value)} is none of ${Object.keys(choices).join(', ')}`,
      );
    }
    return found[1];
  }

  /** Where the line of a key starts; the end of the file when there is none. */
  offset(key: string): number {
    return this.#values.get(key)?.offset ?? this.#size;
  }

  /** The lines whose keys are not in `known`. */
  others(known: readonly string[]): KeyValue[] {
    return [...this.#values]
      .filter(([key]) => !known.includes(key))
      .map(([key, { value }]) => [key, value] as const);
  }

  #get(key: string): { value: string; offset: number } {
    const found = this.#values.get(key);
    if (found === undefined) {
      throw new FormatError(
        'truncated',
        `${this.#name} > ${key}`,
        this.#size,
        'the line is missing',
      );
    }
    return found;
  }

  #invalid(key: string, offset: number, message: string): FormatError {
    return new FormatError('invalid', `${this.#name} > ${key}`, offset, message);
  }
}

/**
 * Writes `key<separator>value` lines.
 * @throws FormatError invalid when a key or value would break the line.
 */
export function encodeKeyValues(
  name: string,
  entries: readonly KeyValue[],
  separator = ' = ',
): Uint8Array {
  for (const [key, value] of entries) {
    if (!isKey(key)) {
      throw new FormatError('invalid', `${name} > key`, 0, `${shown(key)} is no key`);
    }
    assertOneLine(value, `${name} > ${key}`);
  }
  const text = entries.map(([key, value]) => `${key}${separator}${value}\n`).join('');
  return new TextEncoder().encode(text);
}

/** @throws FormatError invalid when the value would be read back as something else. */
export function assertOneLine(value: string, field: string): void {
  if (/[\n\r\0]/u.test(value)) {
    throw new FormatError('invalid', field, 0, `${shown(value)} is not one line`);
  }
}

/** A decimal number of at most 64 bits, or undefined. */
export function parseU64(text: string): bigint | undefined {
  if (!/^\d{1,20}$/u.test(text)) return undefined;
  const value = BigInt(text);
  return value < 2n ** 64n ? value : undefined;
}

function isKey(key: string): boolean {
  return /^[\w.-]{1,128}$/u.test(key);
}
