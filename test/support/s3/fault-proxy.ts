// A proxy between tool and store that fails as it is told. It passes on headers as they were sent:
// the signature of a request is over its Host header.

import { once } from 'node:events';
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request as http,
  type ServerResponse,
} from 'node:http';
import { request as https } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

import { type Fault, type FaultScript, type ProxiedRequest, refusals } from './faults.ts';
import { cutAt, endAt, flipAt, type Meddle, otherEtag, stallAt, wrongEtags } from './meddle.ts';
import { readS3Request } from './operation.ts';
import type { S3Place } from './s3-place.ts';

export interface LoggedRequest extends ProxiedRequest {
  readonly fault: Fault | undefined;
}

export interface FaultProxy {
  /** `http://127.0.0.1:PORT`, also when the target's is https. */
  readonly endpoint: string;
  /** Decides from now on. */
  script: FaultScript;
  /** Every request up to now. */
  readonly log: readonly LoggedRequest[];
  /** How many stall at the moment. */
  readonly stalled: number;
  /** All that stall go on. */
  release(): void;
  /** Cuts what is under way. */
  stop(): Promise<void>;
}

type Exchange = { readonly request: IncomingMessage; readonly response: ServerResponse };

/** Header names and values in turns, without those of the single connection. */
const passedHeaders = (raw: readonly string[]): string[] =>
  raw.filter((_text, at) => !/^(?:connection|keep-alive)$/iu.test(raw[at - (at % 2)] ?? ''));

const setHeader = (headers: string[], name: string, change: (value: string) => string): void => {
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at]?.toLowerCase() === name) headers[at + 1] = change(headers[at + 1] ?? '');
  }
};

const refuse = ({ request, response }: Exchange, fault: Fault & { kind: 'refuse' }): void => {
  const [status, message] = refusals[fault.code];
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${fault.code}</Code><Message>${message}</Message><RequestId>PROXY</RequestId></Error>`;
  response.writeHead(fault.status ?? status, {
    'Content-Type': 'application/xml',
    'Content-Length': Buffer.byteLength(xml),
  });
  response.end(request.method === 'HEAD' ? undefined : xml);
};

const through = (body: AsyncIterable<Buffer>, steps: readonly Meddle[]): AsyncIterable<Buffer> =>
  steps.reduce((source, step) => step(source), body);

class Proxy {
  script: FaultScript;
  readonly log: LoggedRequest[] = [];
  /** Ends the wait of each that stalls. */
  readonly stalling = new Set<() => void>();
  readonly #target: URL;
  readonly #counts = new Map<string, number>();

  constructor(target: string, script: FaultScript) {
    this.#target = new URL(target);
    this.script = script;
  }

  async handle(exchange: Exchange): Promise<void> {
    // A request that ended early has lost its socket.
    const { socket } = exchange.request;
    const proxied = this.#describe(exchange.request);
    const fault = this.script(proxied);
    this.log.push({ ...proxied, fault });
    try {
      if (fault?.kind === 'refuse') {
        refuse(exchange, fault);
        return;
      }
      const answer = await this.#forward(exchange, proxied, fault);
      await this.#answer(exchange, answer, fault);
    } catch {
      // Cut on purpose, or one side went away: the client sees a cut either way.
      socket.destroy();
    }
  }

  #describe({ method = '', url = '', headers }: IncomingMessage): ProxiedRequest {
    const described = readS3Request(method, url, 'x-amz-copy-source' in headers);
    const ofOperation = (this.#counts.get(described.operation) ?? 0) + 1;
    this.#counts.set(described.operation, ofOperation);
    const bodyBytes = Number(headers['content-length'] ?? 0);
    const ordinal = this.log.length + 1;
    return { ...described, method, headers, bodyBytes, ordinal, ofOperation };
  }

  async #stall({ response }: Exchange): Promise<void> {
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        this.stalling.delete(goOn);
        resolve();
      };
      this.stalling.add(goOn);
      response.once('close', goOn);
    });
    if (response.destroyed) throw new Error('the client gave up');
  }

  /** Sends it to the store, and gives the head of the answer. */
  async #forward(
    exchange: Exchange,
    { bodyBytes }: ProxiedRequest,
    fault: Fault | undefined,
  ): Promise<IncomingMessage> {
    const { request, response } = exchange;
    let body: Readable = request;
    if (fault?.kind === 'stall') {
      // Read all the same, or nobody would notice that the client goes away.
      const held = buffer(request);
      await Promise.all([held, this.#stall(exchange)]);
      body = Readable.from([await held]);
    }
    if (fault?.kind === 'cut-request' && bodyBytes === 0) throw new Error('cut');
    const upstream = this.#connect(request);
    const answered = once(upstream, 'response');
    // After the answer it has nobody to tell.
    upstream.on('error', () => undefined);
    response.once('close', () => {
      if (!response.writableFinished && fault?.kind !== 'lose-answer') upstream.destroy();
    });
    const steps: Meddle[] = [];
    if (fault?.kind === 'flip-request') steps.push(flipAt(Math.min(fault.at, bodyBytes - 1)));
    if (fault?.kind === 'cut-request') {
      steps.push(cutAt(Math.min(fault.after, bodyBytes - 1), () => upstream.socket));
    }
    pipeline(through(body, steps), upstream).catch((error: unknown) => {
      upstream.destroy(error instanceof Error ? error : undefined);
    });
    const [answer] = (await answered) as [IncomingMessage];
    return answer;
  }

  #connect({ method, url, rawHeaders }: IncomingMessage): ClientRequest {
    const { protocol, hostname, port } = this.#target;
    const isSecure = protocol === 'https:';
    const options = {
      agent: false,
      host: hostname,
      port: port === '' ? (isSecure ? 443 : 80) : Number(port),
      method,
      path: url,
      headers: [...passedHeaders(rawHeaders), 'Connection', 'close'],
    };
    return isSecure ? https({ ...options, servername: hostname }) : http(options);
  }

  async #answer(
    exchange: Exchange,
    answer: IncomingMessage,
    fault: Fault | undefined,
  ): Promise<void> {
    const { request, response } = exchange;
    const size = Number(answer.headers['content-length'] ?? Infinity);
    const hasBody = request.method !== 'HEAD' && size > 0 && answer.statusCode !== 204;
    if (fault?.kind === 'lose-answer' || (fault?.kind === 'cut-response' && !hasBody)) {
      await buffer(answer);
      throw new Error('cut');
    }
    const headers = passedHeaders(answer.rawHeaders);
    const steps = hasBody ? this.#meddles(exchange, answer, size, fault) : [];
    if (fault?.kind === 'wrong-etag') setHeader(headers, 'etag', otherEtag);
    if (fault?.kind === 'short-response' && hasBody) {
      setHeader(headers, 'content-length', () => `${Math.max(0, size - fault.by)}`);
    }
    response.sendDate = false;
    response.writeHead(answer.statusCode ?? 500, headers);
    response.flushHeaders();
    await pipeline(through(answer, steps), response);
  }

  #meddles(
    exchange: Exchange,
    answer: IncomingMessage,
    size: number,
    fault: Fault | undefined,
  ): Meddle[] {
    switch (fault?.kind) {
      case 'cut-response':
        return [cutAt(Math.min(fault.after, size - 1), () => exchange.response.socket)];
      case 'stall-response':
        return [
          stallAt(Math.min(fault.after, size - 1), async () => {
            await this.#stall(exchange);
          }),
        ];
      case 'short-response':
        return [endAt(Math.max(0, size - fault.by))];
      case 'flip-response':
        return [flipAt(Math.min(fault.at, size - 1))];
      case 'wrong-etag':
        return /xml/u.test(answer.headers['content-type'] ?? '') ? [wrongEtags] : [];
      default:
        return [];
    }
  }
}

/**
 * A proxy on a free port of 127.0.0.1 before `target`, an endpoint's URL. A store that knows its
 * buckets by the Host header, as AWS does, does not answer through it.
 */
export async function startFaultProxy(
  target: string,
  script: FaultScript = () => undefined,
): Promise<FaultProxy> {
  const proxy = new Proxy(target, script);
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    void proxy.handle({ request, response });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    log: proxy.log,
    get script() {
      return proxy.script;
    },
    set script(script) {
      proxy.script = script;
    },
    get stalled() {
      return proxy.stalling.size;
    },
    release: () => {
      for (const goOn of proxy.stalling) goOn();
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** The same place, reached through the proxy. */
export function behind(place: S3Place, { endpoint }: FaultProxy): S3Place {
  return { ...place, endpoint };
}
