import type { EmbedDatasetRequest, LoadDatasetRequest } from '../../contract/inputs.ts';
import type { ServerSettings } from '../servers.ts';

type Request = Pick<EmbedDatasetRequest, 'model' | 'embed_task_queue'> & Pick<LoadDatasetRequest, 'embed' | 'media'>;

/**
 * Refuses a model that the job would fail with. This works only for a local stack, whose workers' folders are known.
 *
 * @param mediaType the medium of the dataset; undefined if it is not known yet
 * @throws UserError ModelNotFound, ModelInvalid
 */
export async function checkModel(
  { model, embed = true, embed_task_queue, media }: Request,
  { modelFolders }: Pick<ServerSettings, 'modelFolders'>,
  mediaType: string | undefined = media,
): Promise<void> {
  // Another queue may have workers of the user's own.
  if (model === undefined || !embed || embed_task_queue !== undefined || modelFolders === undefined) return;
  const [{ knownMedia }, { findModel }, { parseModel }] = await Promise.all([
    import('../../core/media/registry.ts'),
    import('../../core/models/find-model.ts'),
    import('../../core/models/model-names.ts'),
  ]);
  const { all } = knownMedia();
  const fitting = mediaType === undefined ? all : all.filter(({ name }) => name === mediaType);
  const failures: unknown[] = [];
  for (const { models } of fitting) {
    try {
      await findModel(parseModel(model, models).name, models, modelFolders);
      return;
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
