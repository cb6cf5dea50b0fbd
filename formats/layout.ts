import { FormatError } from './format-error.ts';

/** How one field of fixed width is read and written. */
export interface FieldType<T> {
  readonly size: number;
  readonly label: string;
  read(view: DataView, offset: number): T;
  write(view: DataView, offset: number, value: T): void;
}

type Endian = 'be' | 'le';

const unsigned = (bits: 8 | 16 | 32, endian: Endian): FieldType<number> => ({
  size: bits / 8,
  label: bits === 8 ? 'u8' : `u${bits} ${endian.toUpperCase()}`,
  read: (view, offset) => {
    if (bits === 8) return view.getUint8(offset);
    if (bits === 16) return view.getUint16(offset, endian === 'le');
    return view.getUint32(offset, endian === 'le');
  },
  write: (view, offset, value) => {
    if (bits === 8) view.setUint8(offset, value);
    else if (bits === 16) view.setUint16(offset, value, endian === 'le');
    else view.setUint32(offset, value, endian === 'le');
  },
});

const unsigned64 = (endian: Endian): FieldType<bigint> => ({
  size: 8,
  label: `u64 ${endian.toUpperCase()}`,
  read: (view, offset) => view.getBigUint64(offset, endian === 'le'),
  write: (view, offset, value) => {
    view.setBigUint64(offset, value, endian === 'le');
  },
});

export const u8 = unsigned(8, 'be');
export const u16be = unsigned(16, 'be');
export const u32be = unsigned(32, 'be');
export const u64be = unsigned64('be');
export const u16le = unsigned(16, 'le');
export const u32le = unsigned(32, 'le');
export const u64le = unsigned64('le');

/** A run of bytes taken as it is. */
export const raw = (size: number): FieldType<Uint8Array> => ({
  size,
  label: `${size} bytes`,
  read: (view, offset) => new Uint8Array(view.buffer, view.byteOffset + offset, size),
  write: (view, offset, value) => {
    new Uint8Array(view.buffer, view.byteOffset + offset, size).set(value);
  },
});

type Table = Record<string, readonly [FieldType<unknown>, string]>;
// The field types are invariant in T; `any` lets one table hold numbers, bigints and bytes.
// eslint-disable-next-line typescript/no-explicit-any
type AnyTable = Record<string, readonly [FieldType<any>, string]>;

export type Decoded<T extends AnyTable> = {
  [K in keyof T]: T[K][0] extends FieldType<infer V> ? V : never;
};

/** A structure of fields of fixed width, one behind the other, described by its table. */
export interface Layout<T extends AnyTable> {
  readonly name: string;
  readonly size: number;
  readonly offset: { readonly [K in keyof T]: number };
  /** Reads every field; fails only when fewer than `size` bytes remain at `at`. */
  decode(bytes: Uint8Array, at?: number): Decoded<T>;
  encode(values: Decoded<T>): Uint8Array;
  /** Offset, size, field and description of every row: the table of the spec beside it. */
  rows(): { offset: number; type: string; field: string; description: string }[];
}

/** Builds a layout from a table of `field: [type, description]`. */
export function layout<T extends AnyTable>(name: string, table: T): Layout<T> {
  const fields = Object.entries(table as unknown as Table);
  const offset: Record<string, number> = {};
  let size = 0;
  for (const [field, [type]] of fields) {
    offset[field] = size;
    size += type.size;
  }
  const at = (field: string): number => offset[field] ?? 0;
  return {
    name,
    size,
    offset: offset as { [K in keyof T]: number },
    decode(bytes, start = 0) {
      if (bytes.length - start < size) {
        const missing = fields.find(([f, [t]]) => start + at(f) + t.size > bytes.length);
        throw new FormatError(
          'truncated',
          `${name} > ${missing?.[0] ?? ''}`,
          bytes.length,
          `${size} bytes wanted, ${Math.max(0, bytes.length - start)} there`,
        );
      }
      const view = dataView(bytes);
      const out: Record<string, unknown> = {};
      for (const [field, [type]] of fields) out[field] = type.read(view, start + at(field));
      return out as Decoded<T>;
    },
    encode(values) {
      const bytes = new Uint8Array(size);
      const view = dataView(bytes);
      for (const [field, [type]] of fields) {
        type.write(view, at(field), (values as Record<string, unknown>)[field]);
      }
      return bytes;
    },
    rows: () =>
      fields.map(([field, [type, description]]) => ({
        offset: at(field),
        type: type.label,
        field,
        description,
      })),
  };
}

/** A DataView over exactly these bytes (a Uint8Array may be a window of a larger buffer). */
export function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A u64 as a number, or a FormatError when it is beyond what a number holds exactly. */
export function toSafeNumber(value: bigint, field: string, offset: number): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new FormatError('invalid', field, offset, `${value} is beyond the safe integer range`);
  }
  return Number(value);
}
