"""Writes expected.json: what ONNX Runtime and the tokenizers of Hugging Face, in Python, make of MiniLM.

    pip install onnxruntime==1.32.0 tokenizers==0.23.3 numpy
    python make-expected.py MODEL_FOLDER && npx biome check --write expected.json

The mean of the tokens that the mask counts, scaled to length 1, is the vector, as in sentence-transformers.
"""
import json
import pathlib
import sys

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

TEXTS = [
    "The weather is lovely today.",
    "It's so sunny outside!",
    "He drove to the stadium.",
    "Größe, naïveté and 東京 — 100 %",
    # Longer than the 256 tokens that the model reads: what comes after them must not count.
    " ".join(f"Sentence {i} of a long text says that a ship may be laden to her marks." for i in range(40)),
]

folder = pathlib.Path(sys.argv[1])
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.enable_truncation(json.loads((folder / "sentence_bert_config.json").read_text())["max_seq_length"])
session = onnxruntime.InferenceSession(str(folder / "onnx" / "model.onnx"))


def vector_of(text):
    ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    mean = session.run(["last_hidden_state"], inputs)[0][0].mean(axis=0)
    return mean / np.linalg.norm(mean)


vectors = np.stack([vector_of(text) for text in TEXTS])
expected = {
    "texts": TEXTS,
    "similarities": [[round(float(value), 6) for value in row] for row in vectors @ vectors.T],
    "beginnings": [[round(float(value), 6) for value in vector[:8]] for vector in vectors],
}
pathlib.Path(__file__).with_name("expected.json").write_text(json.dumps(expected, indent=2, ensure_ascii=False) + "\n")
