/** The largest buffer that was asked for since the last look, in bytes. */
export interface AllocationWatch {
  largest(): number;
}

/**
 * Watches every buffer that JavaScript code of this process asks for, whether or not it is
 * filled: a forged length shows here before it shows in the memory of the process. What native
 * code allocates does not; the process is measured for that.
 */
export function watchAllocations(): AllocationWatch {
  let largest = 0;
  const note = (value: unknown, unit: number): void => {
    if (typeof value === 'number' && value * unit > largest) largest = value * unit;
  };
  const watched = <C extends new (...parts: never[]) => object>(type: C, unit: number): C =>
    new Proxy(type, {
      construct(target, parts, newTarget) {
        note(parts[0], unit);
        return Reflect.construct(target, parts, newTarget) as object;
      },
    });
  globalThis.Uint8Array = watched(globalThis.Uint8Array, 1);
  globalThis.ArrayBuffer = watched(globalThis.ArrayBuffer, 1);
  globalThis.Int32Array = watched(globalThis.Int32Array, 4);
  globalThis.Array = watched(globalThis.Array, 8);
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const) {
    const original: (size: number) => Buffer<ArrayBuffer> = Buffer[name].bind(Buffer);
    Buffer[name] = (size: number): Buffer<ArrayBuffer> => {
      note(size, 1);
      return original(size);
    };
  }
  return {
    largest: () => {
      const seen = largest;
      largest = 0;
      return seen;
    },
  };
}
