/**
 * Text of a manifest or a store for a terminal or a log: what would move the cursor, turn the
 * direction of writing or begin a line is escaped as in JSON.
 */
export function shown(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The same for a message, which may be of several lines. */
export function shownLines(text: string): string {
  return text.replace(/[^\n\t]+/gu, shown);
}
