import { readFrameTable } from './frame-table.ts';
import type { ArtifactManifest } from './manifest.ts';
import { openVideo } from './video.ts';

/**
 * Reads what an artifact says of itself. Undefined if both copies of its manifest are damaged.
 *
 * @throws UserError ArtifactUnreadable if the file is no artifact, ArtifactTooNew if a newer version has written it
 */
export async function readManifest(path: string): Promise<ArtifactManifest | undefined> {
  const video = await openVideo(path);
  try {
    return (await readFrameTable(path, video)).manifest;
  } finally {
    video.close();
  }
}
