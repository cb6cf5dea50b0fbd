/** The rule a page broke; the rules are in page-check.md. */
export type PageRule =
  | 'checksum'
  | 'second checksum'
  | 'encrypted checksum'
  | 'lsn trailer'
  | 'page number'
  | 'space id'
  | 'compressed magic'
  | 'compressed version'
  | 'compressed algorithm'
  | 'compressed length'
  | 'compressed original length'
  | 'compressed data'
  | 'compressed page';

/** A page that is not whole: what it holds, and what it should hold, both as u32. */
export interface PageFault {
  readonly rule: PageRule;
  readonly stored: number;
  readonly computed: number;
}

export function describePageFault({ rule, stored, computed }: PageFault): string {
  return rule === 'page number' || rule === 'space id' || rule.startsWith('compressed')
    ? `${rule} ${stored}, expected ${computed}`
    : `${rule} 0x${hex(stored)}, expected 0x${hex(computed)}`;
}

const hex = (value: number): string => value.toString(16).padStart(8, '0');
