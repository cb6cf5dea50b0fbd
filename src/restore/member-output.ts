/** Takes the files of an archive as they come: a directory, or a proof that keeps nothing. */
export interface MemberOutput {
  /** The next bytes of a file; what lies between two writes is a hole. */
  write(path: string, position: number, bytes: Uint8Array): Promise<void>;
  /** A file is complete; it may be empty. */
  close(path: string, size: number): Promise<void>;
  rename(path: string, newPath: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Resolves when everything that was closed is safe. */
  settle(): Promise<void>;
  /** Gives up. Never throws. */
  abandon(): Promise<void>;
}
