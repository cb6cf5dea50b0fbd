import { InvalidArgumentError } from 'commander';

/** A whole number of at least 1. */
export function parseCount(text: string): number {
  return parseWhole(text, 1);
}

/** A whole number, which may be 0. */
export function parseNumber(text: string): number {
  return parseWhole(text, 0);
}

function parseWhole(text: string, min: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value;
  throw new InvalidArgumentError(`a whole number of at least ${min} is wanted`);
}

const units: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Bytes, as MySQL's tools take them: `65536`, `64K`, `1M`. */
export function parseSize(text: string): number {
  const [, number = '', unit = ''] = /^(\d+)([kmg]?)$/i.exec(text) ?? [];
  const value = Number(number) * (units[unit.toLowerCase()] ?? 1);
  if (number === '' || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('a number of bytes is wanted, such as 65536 or 64K');
  }
  return value;
}

/** For an option that may be repeated. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}
