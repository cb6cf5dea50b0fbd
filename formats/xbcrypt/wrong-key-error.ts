import { FormatError } from '../format-error.ts';

/** The chunk is as it was written (its checksum matches) but this key does not open it. */
export class WrongKeyError extends FormatError {
  readonly wrongKey = true;

  constructor(offset: number) {
    super('invalid', 'xbcrypt chunk > hash', offset, 'wrong key: the chunk does not open with it');
  }
}
