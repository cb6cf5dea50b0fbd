/** How members are compressed. */
export type Compression =
  | { algorithm: 'zstd'; level: number }
  /** `blockBytes` of a block: XtraBackup's `--compress-chunk-size`. */
  | { algorithm: 'lz4'; blockBytes: number };

/** How members are encrypted. */
export interface Encryption {
  /** As it was asked for; the cipher follows from the length of the key. */
  algorithm: string;
  key: Uint8Array;
  /** Plaintext of one chunk, bytes. */
  chunkBytes: number;
}

/** What members go through on their way into the archive: compressed first, then encrypted. */
export interface Encoding {
  compression?: Compression | undefined;
  encryption?: Encryption | undefined;
  /** The SHA-256 of every chunk goes into the index; always so when there is a key. */
  digests: boolean;
}

/** Members as they are. */
export const plainEncoding: Encoding = { digests: false };

export const compressionSuffixes = { zstd: '.zst', lz4: '.lz4' } as const;
export const encryptionSuffix = '.xbcrypt';
