/** How far a command is; what is not known is left out. */
export interface Progress {
  bytes: number;
  totalBytes?: number | undefined;
  /** Bytes the server may still write before it overwrites redo that was not copied, and all of them. */
  redoHeadRoom?: { bytes: number; capacity: number; spilledBytes: number } | undefined;
}

/** Where a command tells what it does; the command line prints it, a test collects it. */
export interface Reporter {
  info(message: string): void;
  warn(message: string): void;
  progress(progress: Progress): void;
}
