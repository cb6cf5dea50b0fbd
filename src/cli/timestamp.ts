/** Now, in UTC and to the millisecond, as every line of the log begins. */
export function timestamp(): string {
  return new Date().toISOString();
}
