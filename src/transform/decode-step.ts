/** One step of undoing what was done to a member: bytes go in as they come, out as they are known. */
export interface DecodeStep {
  /**
   * What these bytes complete; each piece may be overwritten when the next is asked for. When
   * all were asked for, the memory of `bytes` is the caller's again.
   * @throws FormatError or WrongKeyError.
   */
  push(bytes: Uint8Array): Iterable<Uint8Array>;
  /** The end of the member. @throws FormatError truncated when it ends inside of something. */
  end(): void;
}

/** A decoder of `formats/` as they all are: fed with `push`, emptied with `next`. */
interface Decoder<T> {
  push(bytes: Uint8Array): void;
  next(): T | undefined;
  end(): void;
}

/** The step that such a decoder is; `bytesOf` what it gives. */
export function stepOf<T>(decoder: Decoder<T>, bytesOf: (found: T) => Uint8Array): DecodeStep {
  return {
    *push(bytes) {
      decoder.push(bytes);
      for (let found = decoder.next(); found !== undefined; found = decoder.next()) {
        yield bytesOf(found);
      }
    },
    end: () => {
      decoder.end();
    },
  };
}
