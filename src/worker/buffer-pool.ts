interface Waiting {
  resolve: (buffer: ArrayBuffer) => void;
  reject: (error: unknown) => void;
}

/** Buffers that move to another thread and come back; who finds none waits for one. */
export class BufferPool {
  readonly #free: ArrayBuffer[] = [];
  readonly #waiting: Waiting[] = [];
  #failure: { error: unknown } | undefined;

  constructor(buffers: number, bufferBytes: number) {
    for (let i = 0; i < buffers; i++) this.#free.push(new ArrayBuffer(bufferBytes));
  }

  async take(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#failure) throw this.#failure.error;
    const buffer =
      this.#free.pop() ??
      (await new Promise<ArrayBuffer>((resolve, reject) => {
        this.#waiting.push({ resolve, reject });
      }));
    return new Uint8Array(buffer);
  }

  back(buffer: ArrayBuffer): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting.resolve(buffer);
    else this.#free.push(buffer);
  }

  /** Fails who waits and who comes: those that hold the buffers will not give them back. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
