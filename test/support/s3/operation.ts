// Which S3 operation a request is, by its method, path and query.

export interface S3Request {
  /** S3's name of it, such as `UploadPart`; `Other` for what no test needs. */
  readonly operation: string;
  readonly bucket: string;
  /** Empty for an operation on the bucket. */
  readonly key: string;
  readonly query: URLSearchParams;
}

/** By method, then by a parameter of the query; the last one is for all others. */
type Names = Record<string, readonly (readonly [parameter: string, name: string])[]>;

const ofBuckets: Names = {
  GET: [
    ['uploads', 'ListMultipartUploads'],
    ['list-type', 'ListObjectsV2'],
    ['location', 'GetBucketLocation'],
    ['versioning', 'GetBucketVersioning'],
    ['object-lock', 'GetObjectLockConfiguration'],
    ['', 'ListObjects'],
  ],
  HEAD: [['', 'HeadBucket']],
  POST: [['delete', 'DeleteObjects']],
  PUT: [['', 'CreateBucket']],
  DELETE: [['', 'DeleteBucket']],
};

const ofObjects: Names = {
  GET: [
    ['uploadId', 'ListParts'],
    ['tagging', 'GetObjectTagging'],
    ['attributes', 'GetObjectAttributes'],
    ['', 'GetObject'],
  ],
  HEAD: [['', 'HeadObject']],
  POST: [
    ['uploads', 'CreateMultipartUpload'],
    ['uploadId', 'CompleteMultipartUpload'],
  ],
  PUT: [
    ['uploadId', 'UploadPart'],
    ['tagging', 'PutObjectTagging'],
    ['', 'PutObject'],
  ],
  DELETE: [
    ['uploadId', 'AbortMultipartUpload'],
    ['', 'DeleteObject'],
  ],
};

/** `url` is path-style, as in the request line: `/bucket/key?query`. */
export function readS3Request(method: string, url: string, isCopy = false): S3Request {
  const [path = '', query = ''] = url.split(/\?(.*)/su, 2);
  const [, bucket = '', key = ''] = /^\/([^/]*)\/?(.*)$/su.exec(path) ?? [];
  const parameters = new URLSearchParams(query);
  const names = (key === '' ? ofBuckets : ofObjects)[method] ?? [];
  const found = names.find(([parameter]) => parameter === '' || parameters.has(parameter));
  const name = bucket === '' ? 'ListBuckets' : (found?.[1] ?? 'Other');
  const copies: Record<string, string> = { PutObject: 'CopyObject', UploadPart: 'UploadPartCopy' };
  return {
    operation: (isCopy ? copies[name] : undefined) ?? name,
    bucket: decodeURIComponent(bucket),
    key: decodeURIComponent(key),
    query: parameters,
  };
}
