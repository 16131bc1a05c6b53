export type ModelErrorCode =
  | 'model_not_found'
  | 'model_invalid'
  | 'model_changed'
  | 'device_unavailable'
  | 'inference_unavailable';

/** What is wrong with a model or with the device that it should run on. `code` is stable, `message` is for people. */
export class ModelError extends Error {
  readonly code: ModelErrorCode;

  constructor(code: ModelErrorCode, message: string) {
    super(message);
    this.code = code;
    this.name = NAMES[code];
  }
}

const NAMES: Record<ModelErrorCode, string> = {
  model_not_found: 'ModelNotFoundError',
  model_invalid: 'ModelInvalidError',
  model_changed: 'ModelChangedError',
  device_unavailable: 'DeviceUnavailableError',
  inference_unavailable: 'InferenceUnavailableError',
};

/** No model has this name. A user's mistake: retrying does not help. */
export class ModelNotFoundError extends ModelError {
  constructor(message: string) {
    super('model_not_found', message);
  }
}

/** The model's files are there and can't be used as an image embedding model. A user's mistake: retrying does not help. */
export class ModelInvalidError extends ModelError {
  constructor(message: string) {
    super('model_invalid', message);
  }
}

/** The model's files are no longer those of the revision that was asked for. */
export class ModelChangedError extends ModelError {
  constructor(message: string) {
    super('model_changed', message);
  }
}

/** The device that was configured is not there. Never answered by silently using another one. */
export class DeviceUnavailableError extends ModelError {
  constructor(message: string) {
    super('device_unavailable', message);
  }
}

/** The inference process can't be kept alive. Worth a retry later: the cause may be outside (memory, a device reset). */
export class InferenceUnavailableError extends ModelError {
  constructor(message: string) {
    super('inference_unavailable', message);
  }
}

const CLASSES: Record<ModelErrorCode, new (message: string) => ModelError> = {
  model_not_found: ModelNotFoundError,
  model_invalid: ModelInvalidError,
  model_changed: ModelChangedError,
  device_unavailable: DeviceUnavailableError,
  inference_unavailable: InferenceUnavailableError,
};

/** The error of this code: errors cross process boundaries as `{ code, message }`. */
export function modelErrorOf({ code, message }: { code: ModelErrorCode; message: string }): ModelError {
  return new CLASSES[code](message);
}
