import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALL_FORMATS, EncodedPacketSink, FilePathSource, Input } from 'mediabunny';
import { onTestFinished } from 'vitest';
import { av1ConfigurationOf } from '../../core/artifact/av1-still.ts';
import { mp4Head } from '../../core/artifact/mp4.ts';
import { FRAME_SIDE } from '../../core/artifact/qr-code.ts';

/** A folder that is removed after the test. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-artifact-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The samples of a video, as a reader of others finds them, and where they are in the file. */
export async function samplesOf(path: string): Promise<{ sample: Buffer; at: number; isKey: boolean }[]> {
  const file = await readFile(path);
  const input = new Input({ formats: ALL_FORMATS, source: new FilePathSource(path) });
  const track = await input.getPrimaryVideoTrack();
  if (track === null) throw new Error('no video track');
  const samples = [];
  let end = 0;
  for await (const packet of new EncodedPacketSink(track).packets()) {
    const sample = Buffer.from(packet.data);
    const at = file.indexOf(sample, end);
    end = at + sample.length;
    samples.push({ sample, at, isKey: packet.type === 'key' });
  }
  input.dispose();
  return samples;
}

/** A video of these samples. */
export function videoOf(samples: readonly Buffer[], side = FRAME_SIDE): Buffer {
  const configuration = av1ConfigurationOf(samples[0] as Buffer);
  const head = mp4Head({ width: side, height: side, configuration, sizes: samples.map(({ length }) => length) });
  return Buffer.concat([head, ...samples]);
}
