import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { arch, platform } from 'node:process';

/** The ONNX Runtime of onnxruntime-node. */
export interface OnnxRuntime {
  version: string;
  /** The folder of its core library. ONNX Runtime looks for its providers beside the core. */
  folder: string;
  /** As Node names it: `x64`, `arm64`. */
  arch: string;
}

/** The core library of ONNX Runtime, by the name that its Node binding asks for. */
export const CORE_LIBRARY = 'libonnxruntime.so.1';

/** Finds the ONNX Runtime that encoder processes load. */
export function onnxRuntime(): OnnxRuntime {
  const file = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return { version, folder: join(dirname(file), 'bin/napi-v6', platform, arch), arch };
}
