import { FormatError } from '../../formats/format-error.ts';
import { BackupError, type FailureCode } from '../../src/errors.ts';
import { seededRandom } from '../support/random.ts';
import type { AllocationWatch } from './allocation-watch.ts';
import type { Input, Reader } from './target.ts';

/** How a reader may refuse. */
const refusals: ReadonlySet<FailureCode> = new Set(['incomplete', 'corrupt', 'wrong-key', 'usage']);

/**
 * One buffer may be as large as the largest that a format has on its own account (a block of
 * LZ4, 4 MiB), or in proportion to the input that came: LZ4 makes 255 bytes of one.
 */
const bufferBytesMin = 8 * 1024 * 1024;
const bufferBytesPerInput = 300;
/** Of the processor, not of the clock: other work on the machine must not make a finding. */
const cpuMsMaxDefault = 5000;

export interface Verdict {
  outcome: 'accepted' | 'refused';
  /** What is wrong with the reader, or undefined. */
  finding: string | undefined;
}

export interface TryOptions {
  seed: number;
  watch: AllocationWatch;
  cpuMsMax?: number | undefined;
}

/** Lets the reader read and judges what it does. `seed` chooses the pieces that it is fed in. */
export function tryInput(
  reader: Reader,
  input: Input,
  { seed, watch, cpuMsMax = cpuMsMaxDefault }: TryOptions,
): Verdict {
  watch.largest();
  const cpuBefore = process.cpuUsage();
  const verdict = readOnce(reader, input, seed);
  const largest = watch.largest();
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuMs = (user + system) / 1000;
  const bytesMax = Math.max(bufferBytesMin, input.bytes.length * bufferBytesPerInput);
  if (largest > bytesMax) {
    verdict.finding ??= `a buffer of ${largest} bytes for an input of ${input.bytes.length}`;
  }
  if (cpuMs > cpuMsMax) verdict.finding ??= `${Math.round(cpuMs)} ms of processor time`;
  return verdict;
}

function readOnce(reader: Reader, input: Input, seed: number): Verdict {
  let found: unknown;
  try {
    found = reader.read(input.bytes, seededRandom(seed));
  } catch (error) {
    return { outcome: 'refused', finding: wrongRefusal(error, input) };
  }
  return { outcome: 'accepted', finding: reader.objection?.(found, input) };
}

function wrongRefusal(error: unknown, { bytes }: Input): string | undefined {
  if (error instanceof BackupError) {
    return refusals.has(error.code) ? undefined : `refused as "${error.code}": ${error.message}`;
  }
  if (!(error instanceof FormatError)) {
    return error instanceof Error ? (error.stack ?? error.message) : `threw ${String(error)}`;
  }
  // Offsets of what is decoded from a member count there, so they may lie behind the input.
  const known = Number.isSafeInteger(error.offset) && error.offset >= 0;
  if (!known) return `an error at byte ${error.offset} of ${bytes.length}: ${error.message}`;
  return error.message.length > 4096
    ? `a message of ${error.message.length} characters`
    : undefined;
}
