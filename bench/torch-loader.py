"""Embeds images with PyTorch as people do without Plimsoll: a DataLoader of processes, Pillow, a ViT-B/32 in half precision.

    python3 bench/torch-loader.py IMAGES_FOLDER COUNT PROCESSES
"""
import json
import sys
import time
from pathlib import Path

started = time.perf_counter()
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.models import vit_b_32

folder, count, processes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
CLIP = transforms.Compose(
    [
        transforms.Resize(224, transforms.InterpolationMode.BICUBIC),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    ]
)


class Images(Dataset):
    def __init__(self, paths):
        self.paths = paths

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, place):
        return CLIP(Image.open(self.paths[place]).convert("RGB"))


paths = sorted(map(str, Path(folder).rglob("*.jpg")))[:count]
model = vit_b_32().half().cuda().eval()
ready = time.perf_counter()
done = 0
first = None
with torch.inference_mode():
    for batch in DataLoader(Images(paths), batch_size=256, num_workers=processes, pin_memory=True):
        model(batch.cuda(non_blocking=True).half()).float().cpu()
        done += len(batch)
        first = first or (time.perf_counter(), done)
end = time.perf_counter()
print(
    json.dumps(
        {
            "what": f"PyTorch, DataLoader of {processes} processes",
            "imagesPerSecond": done / (end - ready),
            "afterFirstBatch": (done - first[1]) / (end - first[0]),
            "withImports": done / (end - started),
        }
    )
)
