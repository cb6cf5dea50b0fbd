/** The server's word on its redo log. */
export interface RedoStatus {
  /** End of the log as it stands in memory. */
  currentLsn: number;
  /** Everything below is durable in the files: the only redo that may be copied. */
  flushedLsn: number;
}
