"""Writes masks.json: masks as COCO's compressed RLE, and the pixels that pycocotools decodes from them.

Run in this folder:

    pip install pycocotools==2.0.11 numpy==2.4.6
    python make-masks.py
"""

import json
from pathlib import Path

import numpy as np
from pycocotools import mask as coco

HEIGHT, WIDTH = 13, 17
y, x = np.mgrid[:HEIGHT, :WIDTH]
MASKS = {
    "a block": (y >= 3) & (y < 9) & (x >= 4) & (x < 11),
    "an ellipse": ((x - 8) / 7.5) ** 2 + ((y - 6) / 4.2) ** 2 < 1,
    "a ring": (np.hypot(x - 8, y - 6) < 6) & (np.hypot(x - 8, y - 6) > 3),
    "a run from the bottom of a column to the top of the next": (x * HEIGHT + y >= 35) & (x * HEIGHT + y < 42),
    "set from the first pixel on": (x + y) % 5 == 0,
    "everything": np.ones((HEIGHT, WIDTH), bool),
    "a long run behind short ones": (x * HEIGHT + y > 20) & ~((x == 2) & (y % 2 == 0)),
    "nothing": np.zeros((HEIGHT, WIDTH), bool),
}

cases = []
for name, pixels in MASKS.items():
    encoded = coco.encode(np.asfortranarray(pixels.astype(np.uint8)))
    decoded = coco.decode(encoded)
    cases.append(
        {
            "name": name,
            "mask": {"size": [int(side) for side in encoded["size"]], "counts": encoded["counts"].decode()},
            "rows": ["".join(".#"[value] for value in row) for row in decoded],
        }
    )
Path(__file__).with_name("masks.json").write_text(json.dumps(cases, indent=2) + "\n")
