"""
Writes labelformat.json: boxes as labelformat reads them (https://github.com/lightly-ai/labelformat), an independent
reader of YOLO and Pascal VOC. Run with `pip install labelformat==0.1.17`:

    python make-labelformat.py > labelformat.json
"""

import json
import pathlib
import tempfile

from labelformat.formats import (
    CVATObjectDetectionInput,
    PascalVOCObjectDetectionInput,
    YOLOv8ObjectDetectionInput,
)
from PIL import Image

WIDTH, HEIGHT = 640, 427
NAMES = "names: {0: cat, 1: dog, 2: person}\n"
LINES = "0 0.5 0.5 0.25 0.5\n2 0.123456 0.654321 0.1 0.2\n1 1e-1 .9 0.05 0.0625\n"
VOC = (
    "<annotation><filename>a.jpg</filename><size><width>640</width><height>427</height><depth>3</depth></size>"
    "<object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>640</xmax><ymax>427</ymax></bndbox></object>"
    "<object><name>dog</name><bndbox><ymax>200</ymax><xmax>100</xmax><xmin>48</xmin><ymin>24</ymin></bndbox></object>"
    "</annotation>"
)
CVAT = (
    "<annotations><version>1.1</version><meta><task><labels><label><name>cat</name></label>"
    "<label><name>dog</name></label></labels></task></meta>"
    '<image id="0" name="a.jpg" width="640" height="427">'
    '<box label="cat" xtl="10.50" ytl="20.25" xbr="110.75" ybr="220.00" occluded="0" z_order="0"></box>'
    '<box label="dog" xtl="0.00" ytl="0.00" xbr="640.00" ybr="427.00" occluded="1"></box></image></annotations>'
)


def objects(reader):
    (image,) = reader.get_labels()
    return [
        {"label": found.category.name, "xyxy": [found.box.xmin, found.box.ymin, found.box.xmax, found.box.ymax]}
        for found in image.objects
    ]


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    for part in ("images", "labels", "voc"):
        (folder / part).mkdir()
    Image.new("RGB", (WIDTH, HEIGHT)).save(folder / "images/a.jpg")
    (folder / "labels/a.txt").write_text(LINES)
    (folder / "data.yaml").write_text("train: images\n" + NAMES)
    (folder / "voc/a.xml").write_text(VOC)
    (folder / "cvat.xml").write_text(CVAT)
    expected = {
        "size": [WIDTH, HEIGHT],
        "yolo": {
            "names": NAMES,
            "lines": LINES,
            "objects": objects(YOLOv8ObjectDetectionInput(folder / "data.yaml", "train")),
        },
        "voc": {"xml": VOC, "objects": objects(PascalVOCObjectDetectionInput(folder / "voc", "cat,dog"))},
        "cvat": {"xml": CVAT, "objects": objects(CVATObjectDetectionInput(folder / "cvat.xml"))},
    }
print(json.dumps(expected, indent=2))
