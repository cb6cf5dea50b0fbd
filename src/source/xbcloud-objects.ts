import { type Hash, createHash } from 'node:crypto';
import { BackupError } from '../errors.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { ByteSource } from './byte-source.ts';
import { readAhead } from './read-ahead.ts';
import { type XbcloudFile, listXbcloudFiles, objectName } from './xbcloud-files.ts';
import { md5Bytes, readXbcloudMd5s } from './xbcloud-md5s.ts';

/** Holds an object of xbcloud's usual size: a chunk of 10 MiB with its header. */
const pieceBytesMax = 11 * 1024 * 1024;
/** Requests under way. */
const parallel = 4;

/** A part of one object; most have only one. */
interface ObjectPiece {
  file: XbcloudFile;
  number: number;
  offset: number;
  length: number;
  isLast: boolean;
}

/**
 * A backup as xbcloud puts it into a bucket, `NAME/path.00000000000000000000`: every object is
 * a chunk of an archive, and all of a file's in the order of their numbers, one file after the
 * other, are an archive again. `NAME.md5`, where it is there, has the MD5 of every object.
 */
export class XbcloudObjects {
  readonly name: string;
  /** Bytes of all objects. */
  readonly size: number;
  readonly #store: ObjectStore;
  readonly #backup: string;
  readonly #files: readonly XbcloudFile[];

  private constructor(store: ObjectStore, backup: string, files: readonly XbcloudFile[]) {
    this.#store = store;
    this.#backup = backup;
    this.#files = files;
    this.name = store.urlOf(backup);
    this.size = files.reduce((sum, { sizes }) => sizes.reduce((all, size) => all + size, sum), 0);
  }

  /** Undefined where no object has a name of that kind. One that is missing is refused. */
  static async open(store: ObjectStore, backup: string): Promise<XbcloudObjects | undefined> {
    const files = await listXbcloudFiles(store, `${backup}/`);
    if (files.size === 0) return undefined;
    await readXbcloudMd5s(store, backup, files);
    return new XbcloudObjects(store, backup, [...files.values()]);
  }

  /** The archive, by several requests at a time. */
  source(signal?: AbortSignal): ByteSource {
    return { name: this.name, bytes: this.#inOrder(signal) };
  }

  async *#inOrder(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const reading = {
      bytesMax: Math.min(pieceBytesMax, this.size),
      parallel,
      fill: async (
        piece: ObjectPiece,
        into: Uint8Array,
        onFilled: (bytes: number) => void,
        giveUp: AbortSignal,
      ) => {
        const range = { key: this.#keyOf(piece), offset: piece.offset };
        await this.#store.read(range, into, { onFilled, signal: giveUp });
      },
    };
    let md5: Hash | undefined;
    for await (const { piece, at, bytes } of readAhead(piecesOf(this.#files), reading, signal)) {
      if (piece.file.md5s) {
        md5 ??= createHash('md5');
        md5.update(bytes);
        if (piece.isLast && at + bytes.length === piece.length) {
          this.#requireMd5(piece, md5.digest());
          md5 = undefined;
        }
      }
      yield bytes;
    }
  }

  #requireMd5(piece: ObjectPiece, found: Uint8Array): void {
    const at = piece.number * md5Bytes;
    if (piece.file.md5s?.subarray(at, at + md5Bytes).equals(found) === true) return;
    const path = this.#store.urlOf(this.#keyOf(piece));
    const message = `${path} has not the MD5 that was noted when it was uploaded`;
    throw new BackupError('corrupt', message, { where: { path } });
  }

  #keyOf({ file, number }: ObjectPiece): string {
    return `${this.#backup}/${objectName(file.path, number)}`;
  }
}

function* piecesOf(files: readonly XbcloudFile[]): Generator<ObjectPiece, undefined> {
  for (const file of files) {
    for (const [number, size] of file.sizes.entries()) {
      for (let offset = 0; offset < size; offset += pieceBytesMax) {
        const length = Math.min(pieceBytesMax, size - offset);
        yield { file, number, offset, length, isLast: offset + length === size };
      }
    }
  }
  return undefined;
}
