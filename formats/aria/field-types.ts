import type { FieldType } from '../layout.ts';

/** Widths only Aria uses. */
export const u24le: FieldType<number> = {
  size: 3,
  label: 'u24 LE',
  read: (view, offset) => view.getUint16(offset, true) + view.getUint8(offset + 2) * 0x1_0000,
  write: (view, offset, value) => {
    view.setUint16(offset, value & 0xffff, true);
    view.setUint8(offset + 2, value >>> 16);
  },
};

export const u48le: FieldType<number> = {
  size: 6,
  label: 'u48 LE',
  read: (view, offset) =>
    view.getUint32(offset, true) + view.getUint16(offset + 4, true) * 0x1_0000_0000,
  write: (view, offset, value) => {
    view.setUint32(offset, value % 0x1_0000_0000, true);
    view.setUint16(offset + 4, Math.floor(value / 0x1_0000_0000), true);
  },
};
