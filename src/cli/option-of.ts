/** How a user spells an option, by its attribute: `useMemory` is `--use-memory`. */
export function optionOf(attribute: string): string {
  return `--${attribute.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
