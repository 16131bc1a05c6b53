"""Writes expected.json: what pycocotools makes of polygons and masks.

Run in this folder:

    pip install pycocotools==2.0.11 numpy==2.4.6
    python make-expected.py
"""

import json
import math
import random
from pathlib import Path

import numpy as np
from pycocotools import mask

HERE = Path(__file__).parent
chance = random.Random(7)


def facts(rle: dict) -> dict:
    size = [int(n) for n in rle["size"]]
    return {
        "size": size,
        "counts": rle["counts"].decode(),
        "area": int(mask.area(rle)),
        "box": [int(n) for n in mask.toBbox(rle)],
    }


def flat(points) -> list:
    return [round(float(n), 2) for point in points for n in point]


def circle(x, y, radius, corners, start=0.0):
    return [
        (x + radius * math.cos(start + 2 * math.pi * k / corners), y + radius * math.sin(start + 2 * math.pi * k / corners))
        for k in range(corners)
    ]


def star(x, y, outer, inner, tips):
    return [
        (x + (inner if k % 2 else outer) * math.cos(math.pi * k / tips), y + (inner if k % 2 else outer) * math.sin(math.pi * k / tips))
        for k in range(2 * tips)
    ]


def polygons():
    yield "square", (20, 30), [[2, 3, 12, 3, 12, 13, 2, 13]]
    yield "square, the other way round", (20, 30), [[2, 3, 2, 13, 12, 13, 12, 3]]
    yield "square between pixels", (20, 30), [[2.5, 3.5, 12.5, 3.5, 12.5, 13.5, 2.5, 13.5]]
    yield "triangle", (40, 40), [[5, 5, 35, 10, 12, 33]]
    yield "flat triangle", (10, 100), [[0, 4, 99, 5, 50, 6]]
    yield "steep triangle", (100, 10), [[4, 0, 5, 99, 6, 50]]
    yield "whole picture", (17, 23), [[0, 0, 23, 0, 23, 17, 0, 17]]
    yield "beyond all borders", (17, 23), [[-50, -40, 90, -40, 90, 70, -50, 70]]
    yield "beyond the left and the top", (30, 30), [[-7.3, -4.2, 14.6, 2.1, 9.9, 22.7, -3.3, 16.4]]
    yield "beyond the right and the bottom", (30, 30), [[20.2, 18.1, 44.4, 21.7, 37.9, 52.6, 16.6, 33.3]]
    yield "outside", (30, 30), [[40, 40, 50, 40, 50, 50, 40, 50]]
    yield "left of it", (30, 30), [[-20, 3, -4, 3, -4, 20, -20, 20]]
    yield "below a pixel", (10, 10), [[4.1, 4.1, 4.3, 4.1, 4.3, 4.3]]
    yield "a pixel", (10, 10), [[4, 4, 5, 4, 5, 5, 4, 5]]
    yield "a line", (10, 10), [[1, 1, 8, 8, 1, 1]]
    yield "a point", (10, 10), [[3, 3, 3, 3, 3, 3]]
    yield "corners twice", (20, 20), [[2, 2, 2, 2, 15, 3, 15, 3, 9, 16, 9, 16]]
    yield "crosses itself", (30, 30), [[3, 3, 26, 26, 26, 3, 3, 26]]
    yield "concave", (30, 40), [[3, 3, 36, 3, 36, 26, 20, 9, 3, 26]]
    yield "comb", (30, 40), [[2, 2, 38, 2, 38, 28, 32, 28, 32, 8, 26, 8, 26, 28, 20, 28, 20, 8, 12, 8, 12, 28, 2, 28]]
    yield "one row", (1, 50), [[3, 0, 40, 0, 40, 1, 3, 1]]
    yield "one column", (50, 1), [[0, 3, 1, 3, 1, 40, 0, 40]]
    yield "frame", (30, 30), [[2, 2, 27, 2, 27, 27, 2, 27], [9, 9, 20, 9, 20, 20, 9, 20]]
    yield "ring with an island", (60, 60), [flat(circle(30, 30, r, 24)) for r in (28, 18, 7)]
    yield "two parts", (40, 60), [flat(circle(14, 20, 11, 12)), flat(circle(44, 20, 9, 9))]
    yield "parts that overlap", (40, 60), [flat(circle(24, 20, 13, 12)), flat(circle(36, 20, 12, 9))]
    for tips in (3, 5, 8):
        yield f"star of {tips}", (64, 80), [flat(star(40.3, 31.7, 30, 11, tips))]
    for corners in (3, 5, 7, 16, 64):
        yield f"circle of {corners}", (97, 61), [flat(circle(31.21, 47.77, 26.4, corners, 0.3))]
    for number in range(30):
        height, width = chance.randint(1, 90), chance.randint(1, 90)
        corners = chance.randint(3, 14)
        points = [(chance.uniform(-15, width + 15), chance.uniform(-15, height + 15)) for _ in range(corners)]
        yield f"random {number}", (height, width), [flat(points)]


def drawn(rings, height, width):
    """What an odd number of rings surrounds."""
    bitmap = np.zeros((height, width), np.uint8)
    for ring in rings:
        bitmap ^= mask.decode(mask.frPyObjects([ring], height, width))[:, :, 0]
    return mask.encode(np.asfortranarray(bitmap))


def masks():
    for height, width, share in [(1, 1, 0), (1, 1, 1), (3, 5, 0.5), (64, 1, 0.2), (1, 64, 0.8), (40, 30, 0.5), (33, 57, 0.02), (50, 50, 0)]:
        bitmap = np.array([[chance.random() < share for _ in range(width)] for _ in range(height)], np.uint8)
        runs, last = [0], 0
        for pixel in bitmap.flatten("F").tolist():
            if pixel != last:
                runs.append(0)
                last = pixel
            runs[-1] += 1
        assert mask.encode(np.asfortranarray(bitmap))["counts"] == mask.frPyObjects({"size": [height, width], "counts": runs}, height, width)["counts"]
        yield {**facts(mask.encode(np.asfortranarray(bitmap))), "runs": runs, "pixels": "".join(map(str, bitmap.flatten("F").tolist()))}
    # Long runs and differences of both signs.
    for runs in ([70000, 3, 1, 90000, 65537, 12], [0, 131072], [5, 1, 1000, 1, 31, 16, 15, 17, 1007]):
        height, width = 1, sum(runs)
        yield {**facts(mask.frPyObjects({"size": [height, width], "counts": runs}, height, width)), "runs": runs}


def main():
    expected = {
        "polygons": [
            {"name": name, "rings": rings, **facts(drawn(rings, *size))} for name, size, rings in polygons()
        ],
        "masks": list(masks()),
    }
    (HERE / "expected.json").write_text(json.dumps(expected, separators=(",", ":")).replace('},{"', '},\n{"') + "\n")


if __name__ == "__main__":
    main()
