/**
 * Why an item has no metadata, no vector or no thumbnail. `code` is stable. The message is short and does not repeat
 * the path.
 */
export class ItemError extends Error {
  override readonly name: string = 'ItemError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
