import type { Models } from './api/shapes.ts';

type Model = Models['models'][number];

/** A model by its name, and by the name of each variant beside its plain graph. */
export const inVariants = (model: Model): Model[] => [
  model,
  ...model.dtypes.filter((dtype) => dtype !== 'fp32').map((dtype) => ({ ...model, name: `${model.name}:${dtype}` })),
];

/** Whether this is a variant of `inVariants`. */
export const isVariant = ({ name, dtypes }: Model): boolean => dtypes.some((dtype) => name.endsWith(`:${dtype}`));
