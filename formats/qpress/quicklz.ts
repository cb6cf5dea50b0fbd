import { FormatError } from '../format-error.ts';
import { readPacketHeader } from './packet-header.ts';

// Unpacks QuickLZ level 1, see qpress.md. Every read of the body and every copy is bounded:
// whatever the bytes are, they end in a result of the size promised or in a FormatError.

/** Where the three bytes of each hash were seen last, -1 for nowhere. Begun anew in every packet. */
const slots = new Int32Array(4096);

/** A control word of which nothing is left but its sentinel. */
const usedUp = 1;

/** A literal that stands in so many last bytes says that all that follows are literals. */
const tailBytes = 11;

/** A match is found by a hash of three bytes, so none is shorter. */
const matchBytesMin = 3;

/**
 * The content of one packet; it may share memory with the packet. `offset` is where the packet
 * begins in the input, errors name places there.
 * @throws FormatError truncated when the packet goes on behind the bytes given; invalid when it is
 * damaged, not of level 1, or says that it unpacks to more than `sizeMax` bytes.
 */
export function decompressQuickLz(packet: Uint8Array, sizeMax: number, offset = 0): Uint8Array {
  const header = readPacketHeader(packet, sizeMax, offset);
  if (packet.length < header.packetSize) {
    const message = `${header.packetSize} bytes wanted, ${packet.length} there`;
    throw new FormatError('truncated', 'QuickLZ packet > body', offset + packet.length, message);
  }
  const body = packet.subarray(header.headerSize, header.packetSize);
  if (!header.compressed) return body;
  // Not zeroed and not of the pool; it is handed out only when every byte of it was written.
  const output = new Uint8Array(Buffer.allocUnsafeSlow(header.size).buffer);
  unpack(body, output, offset + header.headerSize);
  return output;
}

/** Fills `output` from the body, which begins at `offset` of the input. */
function unpack(body: Uint8Array, output: Uint8Array, offset: number): void {
  const size = output.length;
  slots.fill(-1);
  let control = usedUp;
  let from = 0;
  let to = 0;
  let unhashed = 0;
  while (to < size) {
    if (control === usedUp) {
      if (body.length - from < 4) throw invalid('control word', offset + from, 'the packet ends');
      control = readWord(body, from);
      // Without it a word is never used up.
      if (control >= 0) throw invalid('control word', offset + from, 'it has no sentinel');
      from += 4;
    }
    if ((control & 1) === 0) {
      if (to >= size - tailBytes) {
        unpackTail({ body, from, output, to, control, offset });
        return;
      }
      // All literals up to the next match, the end of the word or the tail at once.
      const zeros = 31 - Math.clz32(control & -control);
      const count = Math.min(zeros, size - tailBytes - to);
      if (count > body.length - from) throw endsIn('literal', offset + from);
      for (const stop = to + count; to < stop; to += 1, from += 1) {
        output[to] = body[from] as number;
      }
      control >>>= count;
      continue;
    }
    control >>>= 1;
    if (body.length - from < 2) throw endsIn('match', offset + from);
    const low = body[from] as number;
    const slot = (low >> 4) | ((body[from + 1] as number) << 4);
    let length = (low & 15) + 2;
    let used = 2;
    if (length === 2) {
      if (body.length - from < 3) throw endsIn('match', offset + from);
      length = body[from + 2] as number;
      used = 3;
    }
    // The table follows three bytes behind: the match may not know what it makes itself.
    unhashed = hashPositions(output, unhashed, to - matchBytesMin + 1);
    const source = slots[slot] as number;
    if (source < 0 || length < matchBytesMin || length > size - to) {
      throw invalid('match', offset + from, faultOf(source, length, size - to));
    }
    from += used;
    copyMatch(output, source, to, length);
    hashPositions(output, unhashed, to + 1);
    to += length;
    unhashed = to;
  }
}

interface Tail {
  body: Uint8Array;
  from: number;
  output: Uint8Array;
  to: number;
  control: number;
  offset: number;
}

/** Only literals; the control words among them are passed over. */
function unpackTail({ body, from, output, to, control, offset }: Tail): void {
  let left = control;
  let at = from;
  for (let out = to; out < output.length; out += 1) {
    if (left === usedUp) {
      left = 1 << 31;
      at += 4;
    }
    if (at >= body.length) throw endsIn('literal', offset + body.length);
    output[out] = body[at] as number;
    at += 1;
    left >>>= 1;
  }
}

/** Enters the positions from `first` up to and without `end`; returns the first not entered. */
function hashPositions(output: Uint8Array, first: number, end: number): number {
  if (first >= end) return first;
  let bytes = ((output[first] as number) << 8) | ((output[first + 1] as number) << 16);
  for (let at = first; at < end; at += 1) {
    bytes = (bytes >>> 8) | ((output[at + 2] as number) << 16);
    slots[((bytes >>> 12) ^ bytes) & 0xfff] = at;
  }
  return end;
}

/**
 * A match may reach into what it makes, so bytes go one by one from the front. Where there is
 * room they go in eights: what that writes too much is written over by what follows.
 */
function copyMatch(output: Uint8Array, source: number, to: number, length: number): void {
  const end = to + length;
  let from = source;
  let at = to;
  if (end + 8 > output.length) {
    for (; at < end; at += 1, from += 1) output[at] = output[from] as number;
    return;
  }
  for (; at < end; at += 8, from += 8) {
    output[at] = output[from] as number;
    output[at + 1] = output[from + 1] as number;
    output[at + 2] = output[from + 2] as number;
    output[at + 3] = output[from + 3] as number;
    output[at + 4] = output[from + 4] as number;
    output[at + 5] = output[from + 5] as number;
    output[at + 6] = output[from + 6] as number;
    output[at + 7] = output[from + 7] as number;
  }
}

function readWord(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  return low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
}

function faultOf(source: number, length: number, left: number): string {
  if (source < 0) return 'it repeats what has not been there';
  if (length < matchBytesMin) return `${length} bytes are no match`;
  return `${length} bytes, only ${left} are left of the content`;
}

function endsIn(field: string, offset: number): FormatError {
  return invalid(field, offset, 'the packet ends in it');
}

function invalid(field: string, offset: number, message: string): FormatError {
  return new FormatError('invalid', `QuickLZ packet > ${field}`, offset, message);
}
