const charactersMax = 80;

/** A text from outside, which may be as long as the file, for a message. */
export function shown(text: string): string {
  return JSON.stringify(text.slice(0, charactersMax));
}
