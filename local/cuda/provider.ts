/** Where the CUDA provider of ONNX Runtime comes from, and what it needs. */
import { createReadStream } from 'node:fs';
import type { CudaMajor } from '../../core/cuda/find-cuda.ts';
import { parseRequirement, type Requirement } from './requirements.ts';

/** The wheel with the provider for CUDA 13. Its extras name the wheels with the libraries of CUDA. */
export const PROVIDER_PACKAGE = 'onnxruntime-gpu';

/** The extras of that wheel that name libraries. */
export const PROVIDER_EXTRAS: readonly string[] = ['cuda', 'cudnn'];

/** The package on NuGet with the provider for CUDA 12, which onnxruntime-node's own install script fetches. */
export const NUGET_PACKAGE = 'Microsoft.ML.OnnxRuntime.Gpu.Linux';

/**
 * What the providers need. For CUDA 13, the wheel says it, and this serves only to name the files to somebody without a
 * network. For CUDA 12, these are the extras of onnxruntime-gpu 1.26, whose wheel was built for it, and what those need.
 */
export const REQUIREMENTS: Readonly<Record<CudaMajor, readonly Requirement[]>> = {
  12: requirements(
    'nvidia-cuda-nvrtc-cu12~=12.0',
    'nvidia-cuda-runtime-cu12~=12.0',
    'nvidia-cufft-cu12~=11.0',
    'nvidia-curand-cu12~=10.0',
    'nvidia-cudnn-cu12~=9.0',
    'nvidia-cublas-cu12~=12.0',
    'nvidia-nvjitlink-cu12~=12.0',
  ),
  13: requirements(
    'nvidia-cuda-nvrtc~=13.0',
    'nvidia-cuda-runtime~=13.0',
    'nvidia-cufft~=12.0',
    'nvidia-curand~=10.0',
    'nvidia-cudnn-cu13~=9.0',
    'nvidia-cublas~=13.0',
    'nvidia-nvjitlink~=13.0',
  ),
};

function requirements(...texts: string[]): Requirement[] {
  return texts.flatMap((text) => parseRequirement(text) ?? []);
}

const LINKED = /libcublasLt\.so\.(\d+)/;
const OVERLAP = 64;

/** The major version of CUDA that a provider was linked with. Undefined for another file. */
export async function linkedCuda(provider: string): Promise<number | undefined> {
  let end = '';
  for await (const chunk of createReadStream(provider, { encoding: 'latin1', highWaterMark: 4 * 1024 * 1024 })) {
    const text = end + chunk;
    const found = LINKED.exec(text)?.[1];
    if (found !== undefined) return Number(found);
    end = text.slice(-OVERLAP);
  }
  return undefined;
}
