// What the tests use of s3rver 3.7.1, which has no types of its own.

declare module 's3rver' {
  import type { IncomingHttpHeaders, IncomingMessage, RequestListener } from 'node:http';
  import type FilesystemStore from 's3rver/lib/stores/filesystem.js';

  namespace S3rver {
    /** Koa's context, as far as the front reads or sets it. */
    interface Context {
      readonly method: string;
      /** As it was sent, with its query. */
      readonly originalUrl: string;
      readonly req: IncomingMessage;
      readonly headers: IncomingHttpHeaders;
      params: Record<string, string>;
      readonly state: { account?: object };
      status: number;
      /** A plain object is answered as XML. */
      body: unknown;
      set(header: string, value: string): void;
    }

    type Middleware = (context: Context, next: () => Promise<void>) => Promise<void>;
  }

  class S3rver {
    constructor(options: {
      directory: string;
      silent: boolean;
      vhostBuckets: boolean;
      configureBuckets: { name: string }[];
    });
    store: FilesystemStore;
    readonly context: { store: FilesystemStore };
    readonly middleware: S3rver.Middleware[];
    configureBuckets(): Promise<unknown>;
    callback(): RequestListener;
  }
  export = S3rver;
}

declare module 's3rver/lib/models/error.js' {
  /** Thrown in a middleware, it is answered as XML with the status that S3 gives the code. */
  class S3Error extends Error {
    constructor(code: string, message: string, detail?: Record<string, string | number>);
    readonly code: string;
    status: number;
    toXML(): string;
  }
  export = S3Error;
}

declare module 's3rver/lib/models/object.js' {
  class S3Object {
    constructor(bucket: string, key: string, content: unknown, metadata: Record<string, unknown>);
    /** Both ends count. */
    range?: { start: number; end: number };
  }
  export = S3Object;
}

declare module 's3rver/lib/stores/filesystem.js' {
  import type S3Object from 's3rver/lib/models/object.js';

  class FilesystemStore {
    constructor(directory: string);
    getBucketPath(bucket: string): string;
    getBucket(bucket: string): Promise<object | null>;
    /** Where it keeps a kind of thing: `object`, `object.md5`, `metadata.json`, `uploads`. */
    getResourcePath(bucket: string, key: string | undefined, resource: string): string;
    /** Rejects with ENOENT when there is no such object; the etag has its quotes. */
    getMetadata(
      bucket: string,
      key: string,
    ): Promise<{ etag: string; 'content-length': number; 'last-modified': string }>;
    getObject(
      bucket: string,
      key: string,
      range?: { start?: number; end?: number },
    ): Promise<S3Object | null>;
    deleteObject(bucket: string, key: string): Promise<void>;
    initiateUpload(
      bucket: string,
      key: string,
      id: string,
      headers: Record<string, unknown>,
    ): Promise<void>;
  }
  export = FilesystemStore;
}

declare module 's3rver/lib/middleware/authentication.js' {
  import type S3rver from 's3rver';

  const authentication: () => S3rver.Middleware;
  export = authentication;
}
