import { FormatError } from './format-error.ts';

type Kind = 'string' | 'number' | 'boolean';

/** Field access to a parsed JSON object; a missing or mistyped field is a FormatError that names it. */
export interface JsonRecord {
  string(field: string): string;
  number(field: string): number;
  optionalString(field: string): string | undefined;
  optionalNumber(field: string): number | undefined;
  optionalBoolean(field: string): boolean | undefined;
  optionalRecord(field: string): JsonRecord | undefined;
  array(field: string): unknown[];
  optionalArray(field: string): unknown[] | undefined;
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
  const requiredArray = (field: string): unknown[] => {
    const found = fields[field];
    if (!Array.isArray(found)) throw wrong(field, 'array');
    return found as unknown[];
  };
  const isAbsent = (field: string): boolean =>
    fields[field] === undefined || fields[field] === null;
  const optional = <T>(field: string, kind: Kind): T | undefined =>
    isAbsent(field) ? undefined : required<T>(field, kind);
  return {
    string: (field) => required<string>(field, 'string'),
    number: (field) => required<number>(field, 'number'),
    optionalString: (field) => optional<string>(field, 'string'),
    optionalNumber: (field) => optional<number>(field, 'number'),
    optionalBoolean: (field) => optional<boolean>(field, 'boolean'),
    optionalRecord: (field) =>
      isAbsent(field) ? undefined : asJsonRecord(`${name} > ${field}`, fields[field]),
    array: requiredArray,
    optionalArray: (field) => (fields[field] === undefined ? undefined : requiredArray(field)),
  };
}

/** True for what offsets, lengths, LSNs and CRCs can be. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
