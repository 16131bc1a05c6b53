/**
 * Turns a folder of documents into a video of QR codes, and shows how its index gets on in the background:
 *
 *     node encode.ts ./handbook memory.mp4
 *
 * MONGODB_URI and TEMPORAL_ADDRESS name the servers; without them, those of `plimsoll up` are meant.
 */
import { basename, resolve } from 'node:path';
import { connectPlimsoll } from 'plimsoll/client';

const [folder = '.', output = 'memory.mp4'] = process.argv.slice(2);
const dataset = basename(resolve(folder)).toLowerCase();
const client = await connectPlimsoll({
  mongodbUri: process.env.MONGODB_URI ?? 'mongodb://127.0.0.1:27017/?replicaSet=plimsoll',
});
try {
  const { job_id } = await client.startLoad({
    dataset,
    source: resolve(folder),
    media: 'text',
    chunks: { size: 800, unit: 'characters' },
    artifact: resolve(output),
    artifact_index: resolve(output.replace(/\.mp4$/, '.json')),
  });
  console.log(`job ${job_id}`);

  for await (const { state, phases, artifact, error } of client.watch(job_id)) {
    const { done, total } = phases.embedding;
    const video = artifact === undefined ? 'waiting' : `${artifact.chunks} of ${artifact.total} chunks`;
    console.log(`${state}: video ${video}, index ${total === 0 ? 0 : Math.round((100 * done) / total)} %`);
    if (error !== null) throw new Error(`${error.code}: ${error.message}`);
  }
  const { hits } = await client.search({ dataset, text: 'resume', limit: 3 });
  for (const { filepath, passage } of hits) console.log(`${basename(filepath)}: ${passage?.text.slice(0, 60)}`);
} finally {
  await client.close();
}
