import { Lz4Decoder } from '../../formats/lz4/index.ts';
import { QpressDecoder } from '../../formats/qpress/index.ts';
import { XbcryptDecoder } from '../../formats/xbcrypt/index.ts';
import { type DecodeStep, stepOf } from './decode-step.ts';
import { ZstdDecompression } from './decompress-zstd.ts';

/** What is to be undone. */
export interface Decoding {
  decompress: boolean;
  /** The key to decrypt with; undefined leaves encrypted members as they are. */
  key?: Uint8Array | undefined;
}

/** Members as they are. */
export const noDecoding: Decoding = { decompress: false };

const steps = {
  zst: () => new ZstdDecompression(),
  lz4: () => stepOf(new Lz4Decoder(), (content) => content),
  qp: () => stepOf(new QpressDecoder(), ({ bytes }) => bytes),
  xbcrypt: (key: Uint8Array) => stepOf(new XbcryptDecoder({ key }), ({ plaintext }) => plaintext),
} as const satisfies Record<string, (key: Uint8Array) => DecodeStep>;

/** A suffix that can be undone. */
export type Suffix = keyof typeof steps;

/** A member's path without the suffixes that are to be undone, and those, the outermost first. */
export interface DecodedPath {
  path: string;
  suffixes: Suffix[];
}

/**
 * What a member becomes. It stops at the first suffix that is not to be undone: what is inside
 * an encrypted member stays inside without a key. Each kind is undone once, as no tool does it twice.
 */
export function decodedPath(path: string, { decompress, key }: Decoding): DecodedPath {
  const suffixes: Suffix[] = [];
  let rest = path;
  for (;;) {
    const suffix = /[^/]\.(zst|lz4|qp|xbcrypt)$/.exec(rest)?.[1] as Suffix | undefined;
    if (suffix === undefined) break;
    const wanted = suffix === 'xbcrypt' ? key !== undefined : decompress;
    const again = suffixes.some((done) => (done === 'xbcrypt') === (suffix === 'xbcrypt'));
    if (!wanted || again) break;
    suffixes.push(suffix);
    rest = rest.slice(0, -1 - suffix.length);
  }
  return { path: rest, suffixes };
}

/** The path of the file that a member is in the end, whatever was done to it. */
export const plainPath = (path: string): string =>
  decodedPath(path, { decompress: true, key: new Uint8Array(0) }).path;

/** Undoes all steps of one member, each on what the one before gives. */
export class MemberDecoder implements DecodeStep {
  readonly #steps: DecodeStep[];

  constructor(suffixes: readonly Suffix[], key: Uint8Array | undefined) {
    this.#steps = suffixes.map((suffix) => steps[suffix](key ?? new Uint8Array(0)));
  }

  *push(bytes: Uint8Array): Generator<Uint8Array> {
    yield* this.#from(0, bytes);
  }

  end(): void {
    for (const step of this.#steps) step.end();
  }

  *#from(index: number, bytes: Uint8Array): Generator<Uint8Array> {
    const step = this.#steps[index];
    if (!step) {
      yield bytes;
      return;
    }
    for (const piece of step.push(bytes)) yield* this.#from(index + 1, piece);
  }
}
