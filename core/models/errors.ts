import type { FailureCode } from '../../contract/failures.ts';
import { UserError } from '../errors.ts';

/** No model has this name. */
export class ModelNotFoundError extends UserError {
  constructor(message: string) {
    super('ModelNotFound', message);
  }
}

/** The model's files exist but can't embed this medium. The message names the file and the field. */
export class ModelInvalidError extends UserError {
  constructor(message: string) {
    super('ModelInvalid', message);
  }
}

/** The model's files no longer match the requested revision. */
export class ModelChangedError extends UserError {
  constructor(message: string) {
    super('ModelChanged', message);
  }
}

/** The model has no text side, so it can't encode words. */
export class ModelHasNoTextError extends UserError {
  constructor(message: string) {
    super('ModelHasNoText', message);
  }
}

/** The configured device is not available. Another device is never used instead. */
export class DeviceUnavailableError extends UserError {
  constructor(message: string) {
    super('DeviceUnavailable', message);
  }
}

/**
 * The inference process keeps ending. A retry may help: the cause may be external, such as memory or a device reset.
 */
export class InferenceUnavailableError extends Error {
  override readonly name = 'InferenceUnavailable';
  readonly code = 'InferenceUnavailable' satisfies FailureCode;
}

/** An error in a form that can be sent between processes. */
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

/** Converts any error to a form that can be sent between processes. */
export function toPortable(error: unknown): PortableError {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return { code: typeof code === 'string' ? code : 'InferenceUnavailable', message: String(message ?? error) };
}

/** Restores an error with the class that its code names; an unknown code becomes InferenceUnavailableError. */
export function fromPortable({ code, message }: PortableError): Error {
  return new (CLASSES[code] ?? InferenceUnavailableError)(message);
}
