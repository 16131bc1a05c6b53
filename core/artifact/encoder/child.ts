/** An encoder process: it makes frames and reads them back, for the process that forked it. */
import sharp from 'sharp';
import { answerParent } from '../../processes/child.ts';
import { makeFrame } from '../make-frame.ts';

sharp.concurrency(1);
sharp.cache(false);

/** Answers the texts of frames with their samples, in order. */
answerParent(async (texts: string[]) => {
  const samples: Uint8Array[] = [];
  for (const text of texts) samples.push(await makeFrame(text));
  return samples;
});
