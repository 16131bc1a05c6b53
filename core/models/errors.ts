import type { FailureCode } from '../../contract/failures.ts';
import { UserError } from '../errors.ts';

/** No model has this name. */
export class ModelNotFoundError extends UserError {
  constructor(message: string) {
    super('ModelNotFound', message);
  }
}

/** The model's files are there and can't be used to embed this medium. The message names the file and the field. */
export class ModelInvalidError extends UserError {
  constructor(message: string) {
    super('ModelInvalid', message);
  }
}

/** The model's files are no longer those of the revision that was asked for. */
export class ModelChangedError extends UserError {
  constructor(message: string) {
    super('ModelChanged', message);
  }
}

/** The device that was configured is not there. Never answered by silently using another one. */
export class DeviceUnavailableError extends UserError {
  constructor(message: string) {
    super('DeviceUnavailable', message);
  }
}

/** The inference process can't be kept alive. Worth a retry: the cause may lie outside (memory, a device being reset). */
export class InferenceUnavailableError extends Error {
  override readonly name = 'InferenceUnavailable';
  readonly code = 'InferenceUnavailable' satisfies FailureCode;
}

/** An error as it crosses from one process to another. */
export interface PortableError {
  code: string;
  message: string;
}

const CLASSES: Partial<Record<string, new (message: string) => Error>> = {
  ModelNotFound: ModelNotFoundError,
  ModelInvalid: ModelInvalidError,
  ModelChanged: ModelChangedError,
  DeviceUnavailable: DeviceUnavailableError,
} satisfies Partial<Record<FailureCode, new (message: string) => Error>>;

export function toPortable(error: unknown): PortableError {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return { code: typeof code === 'string' ? code : 'InferenceUnavailable', message: String(message ?? error) };
}

export function fromPortable({ code, message }: PortableError): Error {
  return new (CLASSES[code] ?? InferenceUnavailableError)(message);
}
