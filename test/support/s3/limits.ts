const MiB = 1024 * 1024;

/** What S3 refuses; a test may ask for less, to get there with less. */
export interface S3Limits {
  /** 10,000 by default. */
  readonly partNumberMax: number;
  /** Bytes of every part but the last one; 5 MiB by default. */
  readonly partBytesMin: number;
  /** Bytes of a part, or of an object that is put in one go; 5 GiB by default. */
  readonly partBytesMax: number;
  /** Bytes of an object of parts; 5 TiB by default. */
  readonly objectBytesMax: number;
}

export const s3Limits: S3Limits = {
  partNumberMax: 10_000,
  partBytesMin: 5 * MiB,
  partBytesMax: 5 * 1024 * MiB,
  objectBytesMax: 5 * 1024 * 1024 * MiB,
};
