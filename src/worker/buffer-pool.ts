/** Buffers that move to another thread and come back; who finds none waits for one. */
export class BufferPool {
  readonly #free: ArrayBuffer[] = [];
  #waiting: ((buffer: ArrayBuffer) => void) | undefined;

  constructor(buffers: number, bufferBytes: number) {
    for (let i = 0; i < buffers; i++) this.#free.push(new ArrayBuffer(bufferBytes));
  }

  /** One taker at a time. */
  async take(): Promise<Uint8Array<ArrayBuffer>> {
    const buffer =
      this.#free.pop() ??
      (await new Promise<ArrayBuffer>((resolve) => {
        this.#waiting = resolve;
      }));
    return new Uint8Array(buffer);
  }

  back(buffer: ArrayBuffer): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting(buffer);
    else this.#free.push(buffer);
  }
}
