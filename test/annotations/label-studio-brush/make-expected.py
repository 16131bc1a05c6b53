"""Writes expected.json: masks as Label Studio's brush exports them, and the same as COCO's RLE.

pip install label-studio-converter==0.0.59 pycocotools numpy
python make-expected.py
"""

import json
from pathlib import Path

import numpy as np
from label_studio_converter.brush import decode_rle, mask2rle
from pycocotools import mask as coco

random = np.random.default_rng(7)
rows, columns = np.mgrid[0:40, 0:60]
masks = {
    "one pixel": np.array([[0, 255, 0]], dtype=np.uint8),
    "noise of all opacities": random.integers(0, 256, (7, 13)).astype(np.uint8),
    "sparse noise": (random.random((9, 5)) > 0.7).astype(np.uint8) * 255,
    "disk": (((rows - 15) ** 2 + (columns - 30) ** 2 < 150) * 255).astype(np.uint8),
    "all": np.full((50, 500), 255, dtype=np.uint8),
}
cases = []
for name, mask in masks.items():
    height, width = mask.shape
    rle = mask2rle(mask)
    alpha = decode_rle(rle).reshape(height, width, 4)[:, :, 3]
    counts = coco.encode(np.asfortranarray(alpha > 0).astype(np.uint8))["counts"].decode()
    cases.append({"name": name, "width": width, "height": height, "rle": [int(byte) for byte in rle], "counts": counts})
Path(__file__).with_name("expected.json").write_text(json.dumps(cases) + "\n")
