// What can go wrong between the tool and the store, and who decides when.

import { seededRandom, type Random } from '../random.ts';
import type { S3Request } from './operation.ts';

/** S3's status and words for the refusals that a client has to know apart. */
export const refusals = {
  InternalError: [500, 'We encountered an internal error. Please try again.'],
  SlowDown: [503, 'Please reduce your request rate.'],
  ServiceUnavailable: [503, 'Service is unable to handle request.'],
  RequestTimeout: [400, 'Your socket connection to the server was not read from or written to.'],
  ExpiredToken: [400, 'The provided token has expired.'],
  AccessDenied: [403, 'Access Denied'],
  InvalidAccessKeyId: [403, 'The AWS Access Key Id you provided does not exist in our records.'],
  SignatureDoesNotMatch: [403, 'The request signature we calculated does not match.'],
  RequestTimeTooSkewed: [403, 'The difference between the request time and ours is too large.'],
  NoSuchUpload: [404, 'The specified upload does not exist.'],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type Refusal = keyof typeof refusals;

export type Fault =
  /** The store sees `after` bytes of the body, and never the last one; then both sides are cut. */
  | { readonly kind: 'cut-request'; readonly after: number }
  /** The client sees `after` bytes of the answer's body, and never the last one. */
  | { readonly kind: 'cut-response'; readonly after: number }
  /** The store does its work; then the connection is cut without an answer. */
  | { readonly kind: 'lose-answer' }
  /** Nothing comes, and nothing reaches the store, until it is released: then it is passed on. */
  | { readonly kind: 'stall' }
  /** The answer stops after `after` bytes of its body until it is released. */
  | { readonly kind: 'stall-response'; readonly after: number }
  /** S3's refusal; the store sees nothing. `status` 200 is how S3 fails a completion late. */
  | { readonly kind: 'refuse'; readonly code: Refusal; readonly status?: number }
  /** The store's answer, with the ETags of its header and its XML changed. */
  | { readonly kind: 'wrong-etag' }
  /** A body that ends `by` bytes early, with a Content-Length that fits. */
  | { readonly kind: 'short-response'; readonly by: number }
  /** A bit of byte `at` (at most the last one) flips on its way to the client. */
  | { readonly kind: 'flip-response'; readonly at: number }
  /** The same, on its way to the store. */
  | { readonly kind: 'flip-request'; readonly at: number };

export interface ProxiedRequest extends S3Request {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Content-Length, 0 when there is none. */
  readonly bodyBytes: number;
  /** Counts all requests, from 1. */
  readonly ordinal: number;
  /** Counts the requests of this operation, from 1. */
  readonly ofOperation: number;
}

/** Undefined passes the request on as it is. */
export type FaultScript = (request: ProxiedRequest) => Fault | undefined;

/** Has the `count` requests of an operation fail from its `first` on; then no more. */
export function failOperation(
  operation: string,
  fault: Fault,
  { first = 1, count = 1 } = {},
): FaultScript {
  return (request) =>
    request.operation === operation &&
    request.ofOperation >= first &&
    request.ofOperation < first + count
      ? fault
      : undefined;
}

export type FaultMaker = Fault | ((request: ProxiedRequest, random: Random) => Fault);

/** Each request fails with probability `p`, by one of `faults`. Parallel requests come as they do. */
export function randomFaults(
  seed: number,
  p: number,
  faults: readonly FaultMaker[] = anyFault,
): FaultScript {
  const random = seededRandom(seed);
  return (request) => {
    if (random.below(1_000_000) >= p * 1_000_000) return undefined;
    const fault = random.pick(faults);
    return typeof fault === 'function' ? fault(request, random) : fault;
  };
}

const MiB = 1024 * 1024;

/** Everything that a client can ride out, cuts and flips at random places. */
export const anyFault: readonly FaultMaker[] = [
  ({ bodyBytes }, random) => ({ kind: 'cut-request', after: random.below(bodyBytes + 1) }),
  (_request, random) => ({ kind: 'cut-response', after: random.below(MiB) }),
  { kind: 'lose-answer' },
  { kind: 'refuse', code: 'InternalError' },
  { kind: 'refuse', code: 'SlowDown' },
  { kind: 'refuse', code: 'ServiceUnavailable' },
  { kind: 'refuse', code: 'RequestTimeout' },
];
