import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { systemErrorCode, UserError } from '../errors.ts';
import { FRAME_RATE } from './mp4.ts';

/** A video of key frames. The container may be any: a player's "save as" may change it without touching the frames. */
export interface Video {
  /** Frames that the container names. A cut file may hold fewer. */
  frames: number;
  width: number;
  height: number;
  /** The AV1 bitstream of a frame; undefined if the file ends before it. */
  sampleAt(frame: number): Promise<Uint8Array | undefined>;
  close(): void;
}

/** @throws UserError ArtifactUnreadable */
export async function openVideo(path: string): Promise<Video> {
  await checkFile(path);
  // Workers and commands start sooner without it, and few of them read an artifact.
  const { ALL_FORMATS, EncodedPacketSink, FilePathSource, Input } = await import('mediabunny');
  const input = new Input({ formats: ALL_FORMATS, source: new FilePathSource(path) });
  try {
    if (!(await input.canRead())) throw unreadable(path, 'it is not a video.');
    const track = await input.getPrimaryVideoTrack().catch(() => null);
    if (track === null) {
      throw unreadable(path, 'it names no pictures: it was cut near its beginning, or is not a video.');
    }
    const codec = await track.getCodec();
    if (codec !== 'av1') {
      throw unreadable(
        path,
        `its pictures are encoded as ${codec ?? 'something unknown'}, not as AV1. ${ENCODED_AGAIN}`,
      );
    }
    const packets = new EncodedPacketSink(track);
    const last = await packets.getPacket(Number.POSITIVE_INFINITY, { metadataOnly: true });
    const frames = last === null ? 0 : Math.round(last.timestamp * FRAME_RATE) + 1;
    return {
      frames,
      width: await track.getCodedWidth(),
      height: await track.getCodedHeight(),
      async sampleAt(frame) {
        // The middle of its time, because a container may round times.
        const packet = await packets.getPacket((frame + 0.5) / FRAME_RATE);
        return packet?.data;
      },
      close: () => input.dispose(),
    };
  } catch (error) {
    input.dispose();
    if (error instanceof UserError) throw error;
    throw unreadable(path, `it is not a video, or a damaged one: ${(error as Error).message}.`, error);
  }
}

/** For what a video site, a messenger or an editor has made of an artifact. */
export const ENCODED_AGAIN =
  'It is another video, or it was encoded again, which blurs the codes. Use the original file.';

export const unreadable = (path: string, why: string, cause?: unknown): UserError =>
  new UserError('ArtifactUnreadable', `${path} can't be read as an artifact: ${why}`, { cause });

async function checkFile(path: string): Promise<void> {
  try {
    const facts = await stat(path);
    if (!facts.isFile()) throw unreadable(path, 'it is not a file.');
    if (facts.size === 0) throw unreadable(path, 'it is empty.');
    // Shows whether it may be read.
    for await (const _ of createReadStream(path, { end: 0 })) break;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') throw unreadable(path, 'there is no such file.', error);
    if (code === 'EACCES' || code === 'EPERM') throw unreadable(path, 'reading it is not permitted.', error);
    throw error;
  }
}
