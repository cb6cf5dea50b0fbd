/** Why a decoder stopped: too few bytes, or bytes that break a rule of the format. */
export type FormatErrorKind = 'truncated' | 'invalid';

/**
 * Bytes that are not what the format says. `field` is a path of field names
 * such as `xbstream chunk > payload length`; `offset` counts from the start of
 * the input the decoder was given.
 */
export class FormatError extends Error {
  override readonly name = 'FormatError';
  readonly kind: FormatErrorKind;
  readonly field: string;
  readonly offset: number;

  constructor(kind: FormatErrorKind, field: string, offset: number, message: string) {
    super(`${field} at byte ${offset}: ${message}`);
    this.kind = kind;
    this.field = field;
    this.offset = offset;
  }
}
