import { z } from 'zod';
import { EXPORT_RULES, exportDatasetInput } from '../../contract/inputs.ts';

const count = z.int().min(0);

/** How far the export of a job is. */
export const exportedCounts = z
  .object({
    samples: count.describe('Samples that are in the export.'),
    total: count.describe('Samples to export; 0 until that is known.'),
    images: count.describe('Image files that were copied or linked to.'),
    annotations: count,
    renamed: count.describe('Samples whose name another one had, so that the export gives them another name.'),
    simplified: count.describe('Polygons of YOLO that lost a hole or were cut into several.'),
    skipped_samples: z.record(z.string(), count).describe('Samples that are not in it, by reason.'),
    skipped_annotations: z.record(z.string(), count).describe('Annotations that are not in it, by reason.'),
  })
  .meta({ id: 'ExportedCounts', description: 'How far an export is.' });

export const exportBody = z
  .object(exportDatasetInput.shape)
  .omit({ dataset: true })
  .strict()
  .meta({ id: 'ExportRequest', description: 'What is written, and where.', ...EXPORT_RULES });
