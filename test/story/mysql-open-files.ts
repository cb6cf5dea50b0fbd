// Which files a process has open while it runs.

import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Names in a directory of /proc; none when its process is gone. */
const names = async (path: string): Promise<string[]> => await readdir(path).catch(() => []);

async function pidsOf(argument: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await names('/proc')).filter((name) => /^\d+$/u.test(name))) {
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (words.split('\0').includes(argument)) found.push(pid);
  }
  return found;
}

async function openFilesOf(pid: string): Promise<string[]> {
  const paths = (await names(`/proc/${pid}/fd`)).map(
    async (fd) => await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''),
  );
  return await Promise.all(paths);
}

/**
 * Watches the processes that were started with this argument until the work is done. Returns every
 * path that any of them was seen to have open.
 */
export async function openedDuring<T>(
  argument: string,
  work: Promise<T>,
): Promise<{ result: T; paths: Set<string> }> {
  const paths = new Set<string>();
  const state = { done: false };
  const end = work.finally(() => {
    state.done = true;
  });
  const watch = async (): Promise<void> => {
    while (!state.done) {
      for (const pid of await pidsOf(argument)) {
        for (const path of await openFilesOf(pid)) paths.add(path);
      }
      await sleep(2);
    }
  };
  const [result] = await Promise.all([end, watch()]);
  return { result, paths };
}
