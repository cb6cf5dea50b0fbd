import type { Reporter } from '../reporter.ts';
import { StagedDirectory } from './staged-directory.ts';

/**
 * Fills a staged directory and commits it. After a failure what arrived stays in
 * the stage, where it passes for nothing: it may be all that there is to save. Nothing
 * stays, nor is it spoken of, where the whole directory is for the moment (`scratch`).
 */
export async function fillStage<T>(
  target: string,
  options: { empty: boolean; scratch?: boolean },
  reporter: Reporter,
  fill: (directory: StagedDirectory) => Promise<T>,
): Promise<T> {
  const directory = await StagedDirectory.create(target, options);
  try {
    const result = await fill(directory);
    await directory.commit();
    return result;
  } catch (error) {
    if (options.scratch === true) await directory.discard();
    else if (!(await directory.discardEmpty())) {
      reporter.warn(`what arrived is left in ${directory.stage}; it is not a backup`);
    }
    throw error;
  }
}
