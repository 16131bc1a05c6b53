import { extname } from 'node:path';
import type { ModelSide } from '../medium.ts';

/** Whether an ONNX file is a text side, in the layout of transformers.js: `text_model.onnx`, `text_model_fp16.onnx`. */
export const isTextGraph = (file: string): boolean => file.startsWith('text_model');

/** The side of a model that encodes words into the space of its samples, as CLIP and SigLIP have it. */
export const TEXT_SIDE: ModelSide = {
  words: { one: 'text', many: 'texts' },
  models: {
    graphs: ['text_model.onnx', 'onnx/text_model.onnx'],
    mayBeGraph: isTextGraph,
    files: [
      { name: 'tokenizer.json', purpose: 'it says how words become tokens' },
      { name: 'tokenizer_config.json', purpose: 'it says how many tokens the model reads, and what pads them' },
    ],
    outputs: ['text_embeds', 'pooler_output'],
    whichGraph: 'Name it text_model.onnx.',
  },
  preparation: {
    module: new URL(`./preparation${extname(import.meta.url)}`, import.meta.url).href,
    options: null,
  },
};
