import { z } from 'zod';
import { ANNOTATION_FORMATS, ANNOTATION_STATES } from '../../contract/annotations.ts';
import { annotateDatasetInput } from '../../contract/inputs.ts';
import { oneOfFields } from '../../contract/schema-rules.ts';

const count = z.int().min(0);
const point = z.array(z.number()).length(2);

/** One object of a picture, or one statement about it. */
export const annotation = z
  .object({
    label: z.string().optional().describe('The class.'),
    bounding_box: z.array(z.number()).length(4).optional().describe('Left, top, width and height.'),
    points: z
      .array(z.array(point))
      .optional()
      .describe('The rings of a polygon; what an odd number of rings surrounds is inside.'),
    oriented: z.literal(true).optional().describe('`points` is the one ring of an oriented box.'),
    mask: z
      .object({ size: z.array(count).length(2), counts: z.string() })
      .optional()
      .describe("A mask of the whole picture, as COCO's compressed RLE."),
    keypoints: z
      .array(z.array(z.number()).length(3))
      .optional()
      .describe('x, y, and 0 not labelled, 1 hidden or 2 visible.'),
    caption: z.string().optional(),
    confidence: z.number().optional(),
    iscrowd: z.literal(true).optional(),
    attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  })
  .meta({
    id: 'Annotation',
    description:
      'One object of a picture, or one statement about it. Positions are shares of the picture as displayed, 0 at the left and top, 1 at the right and bottom.',
  });

const formatName = z.enum(ANNOTATION_FORMATS);

/** The annotations of a job. */
export const annotationsStatus = z
  .object({
    state: z
      .enum(ANNOTATION_STATES)
      .describe('`failed`: what was found beside the images can not be read; the load goes on without.'),
    error: z.object({ code: z.string(), message: z.string() }).optional().describe('Why they failed.'),
    field: z.string(),
    paths: z.array(z.object({ path: z.string(), format: formatName })),
    found: z.boolean().describe('True if nobody named the paths: they were found beside the images.'),
    bytes: count,
    objects: count.describe('Objects that were read so far.'),
    matched: count.describe('Samples that the paths name.'),
    changed: count.describe('Samples whose annotations this job has changed.'),
    removed: count.describe('Samples that have lost annotations.'),
    without_annotations: count.describe('Samples that no path names; 0 until all are applied.'),
    without_sample: count.describe('Images that the paths name and the dataset does not have.'),
    without_sample_names: z.array(z.string()).describe('The first 100 of them.'),
    clipped: count.describe('Objects that were cut at the edge of their picture.'),
    outside: count.describe('Objects outside of their picture, which were left out.'),
    invalid: z.record(z.string(), count).describe('What could not be read, by reason.'),
    invalid_named: z
      .array(z.object({ reason: z.string(), file: z.string(), line: count.optional(), message: z.string() }))
      .describe('The first 100 of them.'),
  })
  .meta({ id: 'AnnotationsStatus', description: 'How the annotations of a job stand.' });

export const annotateBody = z
  .object(annotateDatasetInput.shape)
  .omit({ dataset: true })
  .strict()
  .meta({
    ...oneOfFields('annotations', 'remove'),
    id: 'AnnotateRequest',
    description: 'What is read, or else which field is removed: one of the two.',
  });

export const classList = z
  .object({
    fields: z.array(
      z.object({
        name: z.string(),
        samples: count.describe('Samples that have the field.'),
        classes: z
          .array(
            z.object({
              name: z.string(),
              samples: count,
              objects: count,
              keypoints: z.array(z.string()).optional().describe('The names of the positions of its skeleton.'),
              skeleton: z.array(z.array(count).length(2)).optional().describe('Which of them are joined, from 0.'),
            }),
          )
          .describe('Those with most objects first.'),
      }),
    ),
    splits: z.array(z.object({ name: z.string(), samples: count })),
  })
  .meta({ id: 'ClassList', description: 'The classes of the annotations of a dataset, by field, and its splits.' });

export type ClassList = z.infer<typeof classList>;
