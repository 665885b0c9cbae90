"""The peer of `reslt bench step`: the same training step in PyTorch, written plainly.

ResNet-32 with the ResLT head, 10 classes, ResLT loss (beta 0.998), SGD with Nesterov momentum and weight decay, random
images. Reads a number of steps a line from standard input and answers each with a line of JSON, so that the caller can
alternate with its own engine.

    python pytorch_step.py BATCH THREADS
"""

import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

CLASSES, MEDIUM_FROM, TAIL_FROM, BETA = 10, 2, 4, 0.998


class Block(nn.Module):
    """Two 3x3 convolutions with a parameter-free shortcut (option A)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.added = stride, outputs - inputs

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.added:
            side = self.added // 2
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, side, side))
        return F.relu(x + y)


class ResLT(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        widths = [(16, 16, 1), (16, 32, 2), (32, 64, 2)]
        self.layers = nn.Sequential(
            *[Block(i if n == 0 else o, o, s if n == 0 else 1) for i, o, s in widths for n in range(5)]
        )
        self.branches = nn.ModuleList(nn.BatchNorm2d(64) for _ in range(3))
        self.linear = nn.Linear(64, CLASSES)

    def forward(self, x):
        maps = self.layers(F.relu(self.bn1(self.conv1(x))))
        return [self.linear(branch(maps).mean((2, 3))) for branch in self.branches]


def loss_of(logits, labels):
    masks = [torch.ones_like(labels, dtype=torch.bool), labels >= MEDIUM_FROM, labels >= TAIL_FROM]
    rows = torch.arange(len(labels))
    total = sum(
        -(torch.log(torch.softmax(z, 1)[rows, labels] + 1e-7) * mask).sum() for z, mask in zip(logits, masks)
    )
    individual = total / sum(mask.sum() for mask in masks)
    return BETA * individual + (1 - BETA) * F.cross_entropy(sum(logits), labels)


def main():
    batch, threads = int(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net = ResLT()
    optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    images, labels = torch.randn(batch, 3, 32, 32), torch.randint(0, CLASSES, (batch,))
    print(json.dumps({"name": f"PyTorch {torch.__version__}"}), flush=True)
    for line in sys.stdin:
        steps = int(line)
        start = time.perf_counter()
        for _ in range(steps):
            optimizer.zero_grad()
            loss = loss_of(net(images), labels)
            loss.backward()
            optimizer.step()
            loss.item()
        print(json.dumps({"imagesPerSecond": steps * batch / (time.perf_counter() - start)}), flush=True)


main()
