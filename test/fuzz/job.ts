/** What a fuzzing process is to do, one after the other. */
export interface Job {
  target: string;
  firstSeed: number;
  /** Inputs to try. */
  count: number;
  /** Stop early when this many milliseconds are over; undefined for all inputs however long. */
  untilMs?: number | undefined;
  /** Follow the coverage: inputs that reach new code become samples. */
  guided?: boolean | undefined;
  /** Processor time that one input may take, milliseconds. */
  cpuMsMax?: number | undefined;
}

export interface Finding {
  target: string;
  /** The seed that makes the input again; 0 for one that the coverage led to. */
  seed: number;
  what: string;
  changes: readonly string[];
  mended: boolean;
  /** The input; undefined when the process was gone before it could tell. */
  hex: string | undefined;
}

export interface Tally {
  target: string;
  tried: number;
  /** Inputs that were changed and yet accepted. */
  accepted: number;
  refused: number;
  /** Of those accepted: how many had their checksums mended. */
  acceptedMended: number;
  /** Inputs that reached new code and were kept; 0 where nobody looked. */
  kept: number;
}

/** A line of a fuzzing process, as JSON. */
export type Line =
  /** `hex`: the input, where the seed does not make it again. */
  | { kind: 'at'; target: string; seed: number; hex?: string | undefined }
  | ({ kind: 'finding' } & Finding)
  | ({ kind: 'done' } & Tally);

/** A finding's first line. */
export function headline({ target, seed, what }: Finding): string {
  return `${target}, seed ${seed}: ${what.split('\n', 1)[0] ?? ''}`;
}
