"""Reads exports by programs that others have written, and prints what they find as JSON.

Argument: a folder with an export for each format, in a folder of its name.
"""

import csv
import json
import sys
from pathlib import Path

import numpy
import pyarrow.parquet
import yaml
from labelformat.formats.coco import COCOObjectDetectionInput
from labelformat.formats.pascalvoc import PascalVOCObjectDetectionInput
from labelformat.formats.yolov8 import YOLOv8InstanceSegmentationInput, YOLOv8ObjectDetectionInput
from labelformat.model.multipolygon import MultiPolygon
from pycocotools.coco import COCO

root = Path(sys.argv[1])


def boxes(reader):
    """The objects of each image: class, xmin, ymin, xmax, ymax in pixels."""
    found = {}
    for label in reader.get_labels():
        found[label.image.filename] = sorted(
            [one.category.name, *(round(edge, 6) for edge in (one.box.xmin, one.box.ymin, one.box.xmax, one.box.ymax))]
            for one in label.objects
        )
    return found


def polygons(reader):
    found = {}
    for label in reader.get_labels():
        found[label.image.filename] = [
            [one.category.name, [[list(point) for point in ring] for ring in one.segmentation.polygons]]
            for one in label.objects
            if isinstance(one.segmentation, MultiPolygon)
        ]
    return found


def coco():
    detected = COCO(root / "coco/annotations/instances_train.json")
    shapes = COCO(root / "coco-shapes/annotations/instances.json")
    captions = COCO(root / "coco/annotations/captions_train.json")
    return {
        "boxes": boxes(COCOObjectDetectionInput(root / "coco/annotations/instances_train.json")),
        "categories": {name["id"]: name["name"] for name in detected.loadCats(detected.getCatIds())},
        "captions": [one["caption"] for one in captions.loadAnns(captions.getAnnIds())],
        # The area that is stated, and the pixels that pycocotools draws.
        "areas": [[one["area"], int(shapes.annToMask(one).sum())] for one in shapes.loadAnns(shapes.getAnnIds())],
    }


def yolo(folder, reader):
    return reader(root / folder / "data.yaml", "train")


def parquet():
    table = pyarrow.parquet.read_table(root / "parquet/samples.parquet")
    return {"types": [str(field.type) for field in table.schema], "rows": table.to_pylist()}


vectors = numpy.load(root / "npy/vectors.npy")
with open(root / "csv/annotations.csv", newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
with open(root / "yolo/data.yaml", encoding="utf-8") as file:
    names = yaml.safe_load(file)["names"]

json.dump(
    {
        "coco": coco(),
        "yolo": boxes(yolo("yolo", YOLOv8ObjectDetectionInput)),
        "yolo_names": list(names.values()),
        "yolo_polygons": polygons(yolo("yolo-segment", YOLOv8InstanceSegmentationInput)),
        "voc": boxes(PascalVOCObjectDetectionInput(root / "voc/Annotations", "cat,🦊\n<&>")),
        "csv": rows,
        "npy": {"type": str(vectors.dtype), "order": bool(vectors.flags.c_contiguous), "rows": vectors.tolist()},
        "parquet": parquet(),
    },
    sys.stdout,
)
