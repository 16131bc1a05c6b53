"""Writes what transformers makes of texts with CLIP's vocabulary: expected.json, and the files that it saves.

Run in this folder, with the vocabulary out of the wheel of open_clip_torch:

    pip install transformers==5.24.0 tokenizers==0.23.3
    pip download --no-deps open_clip_torch==3.3.0
    unzip open_clip_torch-3.3.0-py3-none-any.whl open_clip/bpe_simple_vocab_16e6.txt.gz
    python make-expected.py open_clip/bpe_simple_vocab_16e6.txt.gz
    npx biome check --write .

tokenizer.json is written without its vocabulary and merges (3 MB), which clip-tokenizer.ts puts back.
"""

import gzip
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from transformers import CLIPTokenizer

HERE = Path(__file__).parent
TEXTS = [
    "a photo of a cat",
    "A PHOTO of a Cat!",
    "  spaces,\ttabs\nand lines  ",
    "",
    " ",
    "café, naïve, Zürich, Ångström",
    "e\u0301clair: one letter of two characters",
    "it's what we're told, they'll say; I'd don't, Y'ALL'VE",
    "a 🐈, a 👩‍👩‍👧‍👦 and a ❤️",
    "一只猫的照片",
    "写真の猫、ねこ",
    "고양이 사진",
    "кот на диване",
    "صورة قطة",
    "2024-11-27, 3.14159 and ½ of 1,000,000",
    "foo_bar-baz/qux\\quux",
    "don’t “quote” me — please…",
    "<|startoftext|>hi<|endoftext|> there",
    "a long " + "very " * 100 + "long text",
    "x" * 300,
]


def bytes_as_characters() -> list[str]:
    """The characters that byte-level BPE writes bytes with, in the order of its vocabulary."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return [*map(chr, printable), *(chr(256 + n) for n in range(len(others)))]


def tokenizer_of(vocabulary: Path) -> CLIPTokenizer:
    lines = gzip.open(vocabulary).read().decode().split("\n")
    merges = [tuple(line.split()) for line in lines[1 : 49152 - 256 - 2 + 1]]
    letters = bytes_as_characters()
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *map("".join, merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocab = {token: id for id, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=77)


def write(name: str, value: object) -> None:
    (HERE / name).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


tokenizer = tokenizer_of(Path(sys.argv[1]))
with TemporaryDirectory() as folder:
    tokenizer.save_pretrained(folder)
    saved = json.loads(Path(folder, "tokenizer.json").read_text())
    saved["model"]["vocab"] = saved["model"]["merges"] = None
    write("tokenizer.json", saved)
    write("tokenizer_config.json", json.loads(Path(folder, "tokenizer_config.json").read_text()))

few = TEXTS[:3]
write(
    "expected.json",
    {
        "texts": TEXTS,
        "tokens": tokenizer(TEXTS, truncation=True)["input_ids"],
        "first_three": {
            "full": tokenizer(few, padding="max_length").data,
            "longest": tokenizer(few, padding=True).data,
        },
    },
)
