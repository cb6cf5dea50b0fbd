import type { BeginRecord } from '../../formats/archive-record/index.ts';
import type { PrepareOptions } from './prepare.ts';
import { restoreCourse } from './restore-course.ts';
import { type ServerBinary, findServerBinary } from './server-binary.ts';

/** Hours may pass until an archive is here: what no server could recover at `place` is refused before. */
export async function requireServer(
  begin: Pick<BeginRecord, 'flavour' | 'serverVersion'>,
  { serverBinary }: Pick<PrepareOptions, 'serverBinary'>,
  place: string,
): Promise<ServerBinary> {
  const course = restoreCourse(begin);
  course.checkPlace(place);
  return await findServerBinary(serverBinary, begin, course);
}
