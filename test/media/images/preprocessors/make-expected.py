"""Writes expected.json: what transformers makes of the configs in published.json and left-out.json.

Run in this folder, without PyTorch, so that transformers takes its processors on Pillow and numpy:

    pip install transformers==5.24.0 pillow==13.0.0 numpy==2.4.6
    python make-expected.py

`python make-expected.py --check` compares instead of writing. With transformers 4.57.1 it finds no difference, but its
processor of ChineseCLIP raises a KeyError where the config has no size of its own.
`--dump FOLDER` writes each whole tensor as float32 besides (FOLDER/<case number>-<picture>.f32).

The pictures are formulas of whole numbers, which preprocessors.test.ts computes, too. The configs of published.json are
the models' preprocessor_config.json.
"""

import argparse
import importlib
import json
from pathlib import Path

import numpy as np
import PIL
import transformers
from PIL import Image

HERE = Path(__file__).parent
# The module of each processor.
MODULES = {
    "Beit": "beit", "Bit": "bit", "Blip": "blip", "ChineseCLIP": "chinese_clip", "CLIP": "clip", "ConvNext": "convnext",
    "DeiT": "deit", "MobileNetV1": "mobilenet_v1", "MobileNetV2": "mobilenet_v2", "MobileViT": "mobilevit",
    "Siglip": "siglip", "ViT": "vit",
}  # fmt: skip
GRID = 4


def quadrants() -> np.ndarray:
    """300 x 200: red, green, blue and yellow, flat."""
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[:100, :150], pixels[:100, 150:] = (220, 30, 30), (30, 180, 40)
    pixels[100:, :150], pixels[100:, 150:] = (30, 40, 210), (230, 220, 40)
    return pixels


def waves(width: int, height: int) -> np.ndarray:
    """Slopes of 1 to 4 per pixel, another in each channel. Odd sizes, so that a crop has no exact middle."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [abs((x * (c + 1) + y * (3 - c) + 40 * c) % 510 - 255) for c in range(3)]
    return np.stack(channels, axis=-1).astype(np.uint8)


PICTURES = {"quadrants": quadrants(), "wide": waves(401, 307), "tall": waves(183, 500)}


def processor_of(config: dict):
    name = config.get("image_processor_type") or config["feature_extractor_type"]
    stem = name.replace("FeatureExtractor", "").replace("ImageProcessorFast", "").replace("ImageProcessor", "")
    module = f"transformers.models.{MODULES[stem]}.image_processing_"
    try:
        cls = getattr(importlib.import_module(f"{module}pil_{MODULES[stem]}"), f"{stem}ImageProcessorPil")
    except ModuleNotFoundError:
        cls = getattr(importlib.import_module(module + MODULES[stem]), f"{stem}ImageProcessor")
    known = {field: value for field, value in config.items() if value is not None}
    return cls.from_dict(known)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--dump", type=Path)
    arguments = parser.parse_args()

    expected = {}
    configs = {}
    for file in ("published.json", "left-out.json"):
        configs |= json.loads((HERE / file).read_text())
    for number, (case, config) in enumerate(configs.items()):
        processor = processor_of(config)
        expected[case] = {}
        for picture, pixels in PICTURES.items():
            try:
                tensor = processor(Image.fromarray(pixels), return_tensors="np")["pixel_values"][0].astype(np.float32)
            except KeyError as error:
                print(f"{case}: KeyError {error}")
                break
            rows, columns = ([(2 * i + 1) * size // (2 * GRID) for i in range(GRID)] for size in tensor.shape[1:])
            grid = tensor[:, rows][:, :, columns]
            expected[case][picture] = {
                "shape": list(tensor.shape),
                "means": [round(float(v), 4) for v in tensor.mean(axis=(1, 2), dtype=np.float64)],
                "grid": [round(float(v), 3) for v in grid.flatten()],
            }
            if arguments.dump:
                arguments.dump.mkdir(exist_ok=True)
                tensor.tofile(arguments.dump / f"{number}-{picture}.f32")

    if arguments.check:
        before = json.loads((HERE / "expected.json").read_text())["cases"]
        for case, pictures in expected.items():
            if pictures and pictures != before[case]:
                print(f"{case}: differs")
        print(f"compared with transformers {transformers.__version__}")
        return
    versions = {"transformers": transformers.__version__, "pillow": PIL.__version__, "numpy": np.__version__}
    (HERE / "expected.json").write_text(json.dumps({"versions": versions, "cases": expected}, indent=2) + "\n")


main()
