import type { MemberOutput } from './member-output.ts';

/** Takes the files of an archive and does nothing with them; who wants some of it says what. */
export class SilentOutput implements MemberOutput {
  write(_path: string, _position: number, _bytes: Uint8Array): Promise<void> {
    return Promise.resolve();
  }

  close(_path: string, _size: number): Promise<void> {
    return Promise.resolve();
  }

  rename(_path: string, _newPath: string): Promise<void> {
    return Promise.resolve();
  }

  remove(_path: string): Promise<void> {
    return Promise.resolve();
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  abandon(): Promise<void> {
    return Promise.resolve();
  }
}
