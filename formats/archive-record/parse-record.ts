import { FormatError } from '../format-error.ts';
import { type JsonRecord, asJsonRecord } from '../json-record.ts';
import { recordFormat } from './names.ts';

/**
 * Parses `text` as one JSON object of our `format`; any other is refused. `name` is what error
 * messages call it.
 */
export function parseJsonRecord(name: string, text: string): JsonRecord {
  const record = asJsonRecord(name, parseJson(name, text));
  const format = record.number('format');
  if (format === recordFormat) return record;
  const message = `${format} is not known to this version, which reads ${recordFormat}`;
  throw new FormatError('invalid', `${name} > format`, 0, message);
}

/** Parses `text`, which error messages call `name`. */
export function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new FormatError('invalid', name, 0, 'not JSON');
  }
}
