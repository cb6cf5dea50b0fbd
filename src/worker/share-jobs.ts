/** Gives each worker one job after the other until there are none left; the first failure fails all. */
export async function shareJobs<Worker, Job, Result>(
  workers: readonly Worker[],
  jobs: Iterable<Job>,
  run: (worker: Worker, job: Job) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = jobs[Symbol.iterator]();
  const work = async (worker: Worker): Promise<void> => {
    for (let next = waiting.next(); next.done !== true; next = waiting.next()) {
      results.push(await run(worker, next.value));
    }
  };
  await Promise.all(workers.map(work));
  return results;
}
