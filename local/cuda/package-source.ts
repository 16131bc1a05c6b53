import type { StatedFile } from '../download/download-file.ts';
import type { Wheel } from './wheels.ts';

/** A place that packages come from: an index, or a folder to which somebody brought them. */
export interface PackageSource {
  /** The wheels of a package. */
  wheels(name: string): Promise<readonly SourcedPackage[]>;
  /** The package with ONNX Runtime's provider for CUDA 12, which is no wheel. */
  nuget(name: string, version: string): Promise<SourcedPackage>;
  close(): Promise<void>;
}

/** A package that a source has. */
export type SourcedPackage = IndexedPackage | BroughtPackage;

/** A package on a server, which states its size and its hash. */
export interface IndexedPackage extends Wheel {
  url: string;
  stated: StatedFile;
}

/** A package on this machine. */
export interface BroughtPackage extends Wheel {
  path: string;
  size: number;
}

/** A package that a source does not have. Another source may have it. */
export class PackageMissingError extends Error {
  override readonly name = 'PackageMissingError';
}
