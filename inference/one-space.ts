import { ModelInvalidError } from '../core/models/errors.ts';

/** A loaded side of a model. `output` is the graph's output that holds vectors of `dim` numbers. */
export interface LoadedSide {
  graphFile: string;
  output: string;
  dim: number;
}

/**
 * Requires that the vectors of two sides of a model can be compared. CLIP projects the vectors of both sides into one
 * space, as `image_embeds` and `text_embeds`. Its `pooler_output` comes before that, and may have as many numbers.
 *
 * @throws ModelInvalidError
 */
export function requireOneSpace(own: LoadedSide, text: LoadedSide): void {
  if (own.dim !== text.dim)
    throw new ModelInvalidError(
      `${text.graphFile} gives vectors of ${text.dim} numbers, and ${own.graphFile} of ${own.dim}. ` +
        'Put the two sides of one model into the folder.',
    );
  const [projected, before] = isProjected(own) ? [own, text] : [text, own];
  if (isProjected(projected) && before.output === 'pooler_output')
    throw new ModelInvalidError(
      `${projected.graphFile} gives "${projected.output}", and ${before.graphFile} "pooler_output", which is not in ` +
        'the same space. Export both sides with their projection.',
    );
}

const isProjected = ({ output }: LoadedSide) => output === 'image_embeds' || output === 'text_embeds';
