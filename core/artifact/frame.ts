/** All that the code of a frame says: a header of 16 bytes and a piece of a deflated record, as text in Base45. */
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { UserError } from '../errors.ts';
import { fromBase45, toBase45 } from './base45.ts';
import { FRAME_CHARACTERS } from './qr-code.ts';

/** Frames of a higher version have another layout, so they are refused. */
export const FORMAT_VERSION = 1;

const MAGIC = 0x504c; // "PL"
const HEADER_BYTES = 16;
const KINDS = ['manifest', 'chunk'] as const;
/** Two bytes take three characters. */
const BODY_BYTES = Math.floor(FRAME_CHARACTERS / 3) * 2 - HEADER_BYTES;
const MOST_PIECES = 0xffff;
/** The most bytes of a record. A reader inflates no more, so a wrong file can't fill its memory. */
const MOST_RECORD_BYTES = 64 * 2 ** 20;

export type FrameKind = (typeof KINDS)[number];

export interface Frame {
  kind: FrameKind;
  /** The chunk's number; 0 for the manifest. */
  number: number;
  /** The number of this piece of the record, from 0. */
  piece: number;
  /** How many frames the record takes. */
  pieces: number;
  body: Buffer;
}

/** The code of a frame is not one of an artifact, or not one that this version can read. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly reason: 'foreign' | 'newer' | 'damaged';

  constructor(reason: FrameError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * The texts of the codes that hold a record, in order.
 *
 * @throws UserError ArtifactNotWritable if the record is larger than 64 MiB, or takes more than 65,535 frames
 */
export function frameTexts(kind: FrameKind, number: number, record: Uint8Array): string[] {
  const deflated = deflateRawSync(record, { level: 9 });
  const pieces = Math.ceil(deflated.length / BODY_BYTES);
  if (record.length > MOST_RECORD_BYTES || pieces > MOST_PIECES) {
    throw new UserError(
      'ArtifactNotWritable',
      `Chunk ${number} is too large for an artifact: it has ${record.length} bytes, and at most ${MOST_RECORD_BYTES} ` +
        'fit. Cut the documents into smaller chunks.',
    );
  }
  return Array.from({ length: pieces }, (_, piece) => {
    const body = deflated.subarray(piece * BODY_BYTES, (piece + 1) * BODY_BYTES);
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt16BE(MAGIC, 0);
    header.writeUInt8(FORMAT_VERSION, 2);
    header.writeUInt8(KINDS.indexOf(kind), 3);
    header.writeUInt32BE(number, 4);
    header.writeUInt16BE(piece, 8);
    header.writeUInt16BE(pieces, 10);
    header.writeUInt32BE(checkOf(header, body), 12);
    return toBase45(Buffer.concat([header, body]));
  });
}

/** @throws FrameError */
export function parseFrame(text: string): Frame {
  const bytes = fromBase45(text);
  if (bytes === undefined || bytes.length < HEADER_BYTES || bytes.readUInt16BE(0) !== MAGIC) {
    throw new FrameError('foreign', 'it holds a code that is not of an artifact');
  }
  const version = bytes.readUInt8(2);
  if (version > FORMAT_VERSION) {
    throw new FrameError('newer', `it has version ${version} of the format, and this program knows ${FORMAT_VERSION}`);
  }
  const body = bytes.subarray(HEADER_BYTES);
  const kind = KINDS[bytes.readUInt8(3)];
  if (kind === undefined || bytes.readUInt32BE(12) !== checkOf(bytes, body)) {
    throw new FrameError('damaged', 'its checksum does not match');
  }
  return { kind, number: bytes.readUInt32BE(4), piece: bytes.readUInt16BE(8), pieces: bytes.readUInt16BE(10), body };
}

/** @throws Error if the pieces are not the whole of a record */
export function joinPieces(bodies: readonly Uint8Array[]): Buffer {
  return inflateRawSync(Buffer.concat(bodies), { maxOutputLength: MOST_RECORD_BYTES });
}

const checkOf = (header: Buffer, body: Buffer): number => crc32(body, crc32(header.subarray(0, 12)));
