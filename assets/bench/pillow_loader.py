"""The peer of `reslt bench loader`: the same preparation of photographs with Pillow and NumPy, written plainly.

A random box of the image scaled to 224 x 224, mirrored half of the time, brightness, contrast and saturation changed in
random order, normalised. Reads the image files from standard input, a line each, up to an empty line; then a decode mode
a line, and answers each with a line of JSON: images per second of processor time over all files, so that the caller can
alternate with its own.

    python pillow_loader.py
"""

import json
import math
import random
import sys
import time

import numpy as np
import PIL
from PIL import Image, ImageEnhance

SIZE, JITTER = 224, 0.4
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def box_of(width, height, rng):
    for _ in range(10):
        area = width * height * rng.uniform(0.08, 1)
        aspect = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return rng.randint(0, width - w), rng.randint(0, height - h), w, h
    w, h = min(width, round(height * 4 / 3)), min(height, round(width * 4 / 3))
    return (width - w) // 2, (height - h) // 2, w, h


def load(path, decode, rng):
    with open(path, "rb") as file:
        image = Image.open(file)
        width, height = image.size
        left, top, w, h = box_of(width, height, rng)
        if decode == "scaled" and image.format == "JPEG":
            shrink = next((s for s in (8, 4, 2) if min(w, h) >= s * SIZE), 1)
            image.draft("RGB", (width // shrink, height // shrink))
        image = image.convert("RGB")
    if image.size == (width, height):
        image = image.crop((left, top, left + w, top + h)).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    else:
        x, y = image.size[0] / width, image.size[1] / height
        box = (left * x, top * y, (left + w) * x, (top + h) * y)
        image = image.resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=box)
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    changes = [ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color]
    rng.shuffle(changes)
    for change in changes:
        image = change(image).enhance(rng.uniform(1 - JITTER, 1 + JITTER))
    values = np.asarray(image, dtype=np.float32) / np.float32(255)
    values -= MEAN
    values /= STD
    return values


def main():
    rng = random.Random(0)
    print(json.dumps({"name": f"Pillow {PIL.__version__}"}), flush=True)
    files = []
    for line in sys.stdin:
        if not line.rstrip("\n"):
            break
        files.append(line.rstrip("\n"))
    for line in sys.stdin:
        start = time.process_time()
        for path in files:
            load(path, line.strip(), rng)
        seconds = time.process_time() - start
        print(json.dumps({"imagesPerSecondPerCore": len(files) / seconds}), flush=True)


main()
