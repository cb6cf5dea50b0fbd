import type { Progress, Reporter } from '../reporter.ts';
import { shownLines } from '../shown.ts';
import { timestamp } from './timestamp.ts';

/** Everything for a person or a machine goes to standard error: standard output may be the archive. */
type Line = (text: string) => void;

/** How often progress is told: in a log file, to a program, on a terminal. */
const plainEveryMs = 10_000;
const jsonEveryMs = 1000;
const terminalEveryMs = 100;
/** Share of the bytes after which a speed says something about the rest. */
const predictFrom = 0.01;

/** Reporter for a terminal, for a log file, or (`json`) for a program. */
export function consoleReporter(options: { json: boolean; quiet: boolean }): Reporter {
  const write: Line = (text) => process.stderr.write(text);
  if (options.json) return jsonReporter(write, options.quiet ? Infinity : jsonEveryMs);
  if (options.quiet) return plainReporter(write, Infinity);
  return process.stderr.isTTY ? terminalReporter(write) : plainReporter(write, plainEveryMs);
}

/** One object a line, with a `type`. */
function jsonReporter(write: Line, everyMs: number): Reporter {
  const pace = new Pace(everyMs);
  const line = (type: string, fields: object): void => {
    write(`${JSON.stringify({ type, time: timestamp(), ...fields })}\n`);
  };
  return {
    info: (message) => {
      line('info', { message });
    },
    warn: (message) => {
      line('warning', { message });
    },
    progress: (progress) => {
      if (pace.isDue()) line('progress', progress);
    },
  };
}

function plainReporter(write: Line, everyMs: number): Reporter {
  const speed = new Speed();
  const pace = new Pace(everyMs, performance.now());
  return {
    info: (message) => {
      write(`${timestamp()} ${shownLines(message)}\n`);
    },
    warn: (message) => {
      write(`${timestamp()} WARNING: ${shownLines(message)}\n`);
    },
    progress: (progress) => {
      if (pace.isDue()) write(`${timestamp()} ${describe(progress, speed)}\n`);
    },
  };
}

/** Keeps the progress on the last line of the terminal. */
function terminalReporter(write: Line): Reporter {
  const speed = new Speed();
  const pace = new Pace(terminalEveryMs);
  const clear = '\r\x1b[K';
  let shown = '';
  const above = (text: string): void => {
    write(`${clear}${text}\n${shown}`);
  };
  return {
    info: (message) => {
      above(`${timestamp()} ${shownLines(message)}`);
    },
    warn: (message) => {
      above(`${timestamp()} WARNING: ${shownLines(message)}`);
    },
    progress: (progress) => {
      if (!pace.isDue()) return;
      const width = process.stderr.columns > 0 ? process.stderr.columns - 1 : 79;
      shown = describe(progress, speed).slice(0, width);
      write(clear + shown);
    },
  };
}

/** Lets something pass once in a while: however often it comes, nobody reads more. */
class Pace {
  readonly #everyMs: number;
  #last: number;

  constructor(everyMs: number, last = -Infinity) {
    this.#everyMs = everyMs;
    this.#last = last;
  }

  isDue(): boolean {
    const now = performance.now();
    if (this.#everyMs === Infinity || now - this.#last < this.#everyMs) return false;
    this.#last = now;
    return true;
  }
}

/** Bytes a second since the first report. */
class Speed {
  readonly #start = performance.now();

  of(bytes: number): number {
    return bytes / Math.max(0.001, (performance.now() - this.#start) / 1000);
  }
}

function describe(progress: Progress, speed: Speed): string {
  const { bytes, totalBytes, redoHeadRoom } = progress;
  const rate = speed.of(bytes);
  const parts = [formatBytes(bytes)];
  if (totalBytes !== undefined && totalBytes > 0) {
    parts[0] += ` of ${formatBytes(totalBytes)}`;
    parts.push(`${Math.floor((bytes / totalBytes) * 100)} %`);
  }
  parts.push(`${formatBytes(rate)}/s`);
  if (totalBytes !== undefined && bytes >= totalBytes * predictFrom && rate > 0) {
    parts.push(`${formatDuration((totalBytes - bytes) / rate)} left`);
  }
  if (redoHeadRoom) {
    const { bytes: room, capacity, spilledBytes } = redoHeadRoom;
    parts.push(`redo head-room ${Math.floor((room / capacity) * 100)} %`);
    if (spilledBytes > 0) parts.push(`${formatBytes(spilledBytes)} of redo spooled`);
  }
  return parts.join(', ');
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(value < 10 ? 2 : 1)} ${units[unit] ?? ''}`;
}

function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
