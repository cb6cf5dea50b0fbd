import { FormatError } from '../format-error.ts';
import type { JsonRecord } from '../json-record.ts';

/** Kinds of servers. */
export type Flavour = 'mariadb' | 'mysql';

/** The field `flavour` of a record that error messages call `name`. */
export function decodeFlavour(name: string, record: JsonRecord): Flavour {
  const flavour = record.string('flavour');
  if (flavour === 'mariadb' || flavour === 'mysql') return flavour;
  throw new FormatError('invalid', `${name} > flavour`, 0, `"${flavour}" is not known`);
}
