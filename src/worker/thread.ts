import { Worker, parentPort, workerData } from 'node:worker_threads';
import { BackupError, toBackupError } from '../errors.ts';

/** A failure on its way between threads: structured cloning would drop the class. */
export interface Failure {
  kind: 'failed';
  error: {
    code: BackupError['code'];
    message: string;
    hint: string | undefined;
    where: BackupError['where'];
  };
}

export function failure(thrown: unknown): Failure {
  const { code, message, hint, where } = toBackupError(thrown);
  return { kind: 'failed', error: { code, message, hint, where } };
}

function revived({ error }: Failure): BackupError {
  const { code, message, hint, where } = error;
  return new BackupError(code, message, { where, ...(hint === undefined ? {} : { hint }) });
}

/** What a thread drops is to be collected soon: it holds little at a time, in buffers of its own. */
const resourceLimits = { maxYoungGenerationSizeMb: 2 };

/** A worker thread seen from the thread that started it. */
export interface Thread<In> {
  post(message: In, moved?: ArrayBuffer[]): void;
  /** Rejects when the thread fails or stops by itself before `stop`; never resolves. */
  readonly failed: Promise<never>;
  /** Ends the thread wherever it is. Never throws. */
  stop(): Promise<void>;
}

/**
 * Starts `<name>.js` beside the module of `base`. `data` is handed over by copy.
 * Buffers in `moved` change owner: nothing is copied.
 */
export function startThread<In, Out extends { kind: string }>(
  base: string,
  name: string,
  data: unknown,
  onMessage: (message: Out) => void,
): Thread<In> {
  const worker = new Worker(moduleBeside(base, name), { workerData: data, resourceLimits });
  const failed = new Promise<never>((_, reject) => {
    worker.on('message', (message: Out | Failure) => {
      if (message.kind === 'failed') reject(revived(message as Failure));
      else onMessage(message as Out);
    });
    worker.on('error', (error) => {
      reject(toBackupError(error));
    });
    worker.on('exit', () => {
      reject(new BackupError('failed', `the ${name} thread ended unexpectedly`));
    });
  });
  // Whoever waits sees it; a thread that nobody waits for any more must not end the process.
  failed.catch(() => undefined);
  return {
    post: (message, moved = []) => {
      worker.postMessage(message, moved);
    },
    failed,
    stop: async () => {
      await worker.terminate();
    },
  };
}

/** The built file runs as .js; the compiler does not rewrite the extension inside a URL. */
function moduleBeside(base: string, name: string): URL {
  const extension = base.slice(base.lastIndexOf('.'));
  return new URL(`./${name}${extension}`, base);
}

/** A worker module's line to the thread that started it. */
export interface ThreadPort<Out, In> {
  post(message: Out, moved?: ArrayBuffer[]): void;
  onMessage(take: (message: In) => void): void;
}

/** The other side: what a worker module calls once. A throw in `run` is sent as its failure. */
export function runThread<Data, Out, In>(
  run: (data: Data, port: ThreadPort<Out, In>) => Promise<void>,
): void {
  const port = parentPort;
  if (port === null) throw new Error('a worker module was loaded by the main thread');
  run(workerData as Data, {
    post: (message, moved = []) => {
      port.postMessage(message, moved);
    },
    onMessage: (take) => {
      port.on('message', take);
    },
  }).catch((error: unknown) => {
    port.postMessage(failure(error));
  });
}
