import { createLogUpdate } from 'log-update';
import { byteSize } from '../../core/byte-size.ts';
import type { FetchProgress } from '../../local/models/fetch-model.ts';
import { roundDuration } from '../terminal/quantities.ts';

/** Shows a download's progress to a person. */
export interface DownloadView {
  show(progress: FetchProgress): void;
  /** Writes a line that stays. */
  note(line: string): void;
  end(): void;
}

const FRAME_MS = 100;
const BETWEEN_LINES_MS = 5000;
/** A rate of less time is that of the first bytes. */
const RATE_AFTER_SECONDS = 1;

/** One moving line on a terminal; elsewhere a line for each file, and one every few seconds. */
export function createDownloadView(stream: NodeJS.WriteStream): DownloadView {
  const draw = stream.isTTY ? createLogUpdate(stream) : undefined;
  const startedMs = performance.now();
  let shownMs = Number.NEGATIVE_INFINITY;
  let shownFile: string | undefined;
  return {
    show(progress) {
      const nowMs = performance.now();
      const isDue = nowMs - shownMs >= (draw === undefined ? BETWEEN_LINES_MS : FRAME_MS);
      if (!isDue && progress.file === shownFile) return;
      shownMs = nowMs;
      shownFile = progress.file;
      const line = downloadLine(progress, (nowMs - startedMs) / 1000);
      if (draw === undefined) stream.write(`${line}\n`);
      else draw(line.slice(0, (stream.columns || 80) - 1));
    },
    note(line) {
      draw?.clear();
      stream.write(`${line}\n`);
    },
    end() {
      draw?.clear();
      draw?.done();
    },
  };
}

/** `onnx/vision_model.onnx: 120 of 606 MB, 12 MB/s, 41s left` */
export function downloadLine({ file, received, downloaded, total }: FetchProgress, seconds: number): string {
  const reached = `${file}: ${byteSize(received)} of ${byteSize(total)}`;
  if (downloaded === 0 || seconds < RATE_AFTER_SECONDS) return reached;
  const rate = downloaded / seconds;
  return `${reached}, ${byteSize(rate)}/s, ${roundDuration((total - received) / rate)} left`;
}
