/**
 * Buffers of the process, those that native code tells of included, and all that it has ever had
 * in memory at once. The heap has a limit of its own: `--max-old-space-size`.
 */
const bufferBytesMax = 192 * 1024 * 1024;
const residentBytesMax = 768 * 1024 * 1024;

export class MemoryCap {
  /** What is over its cap, or undefined. */
  broken(): string | undefined {
    const residentMax = process.resourceUsage().maxRSS * 1024;
    if (residentMax > residentBytesMax) return `${residentMax} bytes resident`;
    if (bufferBytes() <= bufferBytesMax) return undefined;
    // Garbage that nobody collected yet is no finding.
    globalThis.gc?.();
    const bytes = bufferBytes();
    return bytes > bufferBytesMax ? `${bytes} bytes of buffers are held` : undefined;
  }
}

function bufferBytes(): number {
  // `external` has the ArrayBuffers in it.
  return process.memoryUsage().external;
}
