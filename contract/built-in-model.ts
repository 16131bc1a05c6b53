/**
 * The model that comes with Plimsoll: colours and gradients over a grid, nothing learned. See
 * scripts/make-builtin-model.ts.
 */
export const BUILT_IN_MODEL = 'color-gradient-grid';
