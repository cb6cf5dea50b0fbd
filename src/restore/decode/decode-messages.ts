import type { Suffix } from '../../transform/member-decoder.ts';

/** Set before a thread starts. */
export interface DecodeThreadData {
  key: Uint8Array | undefined;
  buffers: number;
  bufferBytes: number;
}

export type ToDecodeThread =
  | { kind: 'open'; id: number; path: string; suffixes: readonly Suffix[] }
  | { kind: 'bytes'; id: number; buffer: ArrayBuffer; length: number }
  /** `mayBeCut`: what stops too early is told, not refused. */
  | { kind: 'end'; id: number; mayBeCut: boolean }
  | { kind: 'buffer'; buffer: ArrayBuffer };

export type FromDecodeThread =
  | { kind: 'plain'; id: number; buffer: ArrayBuffer; length: number }
  /** Input is done with. */
  | { kind: 'taken'; buffer: ArrayBuffer }
  | { kind: 'ended'; id: number; cut?: string };
