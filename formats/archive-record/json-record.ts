import { FormatError } from '../format-error.ts';
import { recordFormat } from './names.ts';

type Kind = 'string' | 'number' | 'boolean';

/** Field access to a parsed JSON object; a missing or mistyped field is a FormatError that names it. */
export interface JsonRecord {
  string(field: string): string;
  number(field: string): number;
  optionalString(field: string): string | undefined;
  optionalNumber(field: string): number | undefined;
  array(field: string): unknown[];
}

/**
 * Parses `text` as one JSON object of our `format`; any other is refused. `name` is what error
 * messages call it.
 */
export function parseJsonRecord(name: string, text: string): JsonRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FormatError('invalid', name, 0, 'not JSON');
  }
  const record = asJsonRecord(name, value);
  const format = record.number('format');
  if (format === recordFormat) return record;
  const message = `${format} is not known to this version, which reads ${recordFormat}`;
  throw new FormatError('invalid', `${name} > format`, 0, message);
}

export function asJsonRecord(name: string, value: unknown): JsonRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FormatError('invalid', name, 0, 'not a JSON object');
  }
  const fields = value as Record<string, unknown>;
  const wrong = (field: string, wanted: string): FormatError =>
    new FormatError('invalid', `${name} > ${field}`, 0, `${wanted} wanted`);
  const required = <T>(field: string, kind: Kind): T => {
    if (typeof fields[field] !== kind) throw wrong(field, kind);
    if (kind === 'number' && !isCount(fields[field])) throw wrong(field, 'whole number >= 0');
    return fields[field] as T;
  };
  const optional = <T>(field: string, kind: Kind): T | undefined =>
    fields[field] === undefined || fields[field] === null ? undefined : required<T>(field, kind);
  return {
    string: (field) => required<string>(field, 'string'),
    number: (field) => required<number>(field, 'number'),
    optionalString: (field) => optional<string>(field, 'string'),
    optionalNumber: (field) => optional<number>(field, 'number'),
    array(field) {
      const found = fields[field];
      if (!Array.isArray(found)) throw wrong(field, 'array');
      return found as unknown[];
    },
  };
}

/** True for what offsets, lengths, LSNs and CRCs can be. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
