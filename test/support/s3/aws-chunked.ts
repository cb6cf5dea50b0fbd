// The `aws-chunked` framing of a body whose checksum follows it: chunks of `SIZE[;...]CRLF DATA CRLF`
// (SIZE in hexadecimal digits), a chunk of size 0, and trailers, each a line `NAME:VALUE`.

import { Transform, type TransformCallback } from 'node:stream';

/** Takes the framing off; `trailers` (names in lower case) is complete when the stream has ended. */
export class AwsChunkedDecoder extends Transform {
  readonly trailers: Record<string, string> = {};
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes that are still to come of this chunk. */
  #left = 0;
  #inTrailers = false;

  override _transform(piece: Buffer, _encoding: string, done: TransformCallback): void {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    while (this.#step());
    done();
  }

  override _flush(done: TransformCallback): void {
    done(this.#inTrailers ? null : new Error('the body ends within a chunk'));
  }

  /** False when more has to come in first. */
  #step(): boolean {
    if (this.#left > 0) {
      const data = this.#rest.subarray(0, this.#left);
      this.#rest = this.#rest.subarray(data.length);
      this.#left -= data.length;
      if (data.length > 0) this.push(data);
      return this.#left === 0 && data.length > 0;
    }
    const end = this.#rest.indexOf('\r\n');
    if (end < 0) return false;
    const line = this.#rest.subarray(0, end).toString();
    this.#rest = this.#rest.subarray(end + 2);
    this.#readLine(line);
    return true;
  }

  #readLine(line: string): void {
    // The end of a chunk's data, or of the trailers.
    if (line === '') return;
    if (this.#inTrailers) {
      const [, name = '', value = ''] = /^([^:]*):\s*(.*?)\s*$/u.exec(line) ?? [];
      this.trailers[name.toLowerCase()] = value;
      return;
    }
    this.#left = Number.parseInt(line, 16);
    if (!Number.isSafeInteger(this.#left)) {
      this.destroy(new Error(`no chunk begins with ${line}`));
      this.#left = 0;
    }
    this.#inTrailers = this.#left === 0;
  }
}
