"""Networks that give maps, images or sounds, in plain PyTorch, of small widths."""

from __future__ import annotations

from typing import Any

from export_blocks import CLASSES, Basic, Double, F, T, Tensor, conv, torch


class UNetTransposed(T.Module):
    """A U-Net that enlarges by transposed convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.low = Double(3, 6), Double(6, 8), Double(8, 12)
        self.up2, self.up1 = T.ConvTranspose2d(12, 8, 2, 2), T.ConvTranspose2d(8, 6, 2, 2)
        self.join2, self.join1 = Double(16, 8), Double(12, 6)
        self.last = T.Conv2d(6, CLASSES, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.low(F.max_pool2d(b, 2))
        b = self.join2(torch.cat([b, self.up2(c)], dim=1))
        return self.last(self.join1(torch.cat([a, self.up1(b)], dim=1)))


class UNetNearest(T.Module):
    """A U-Net that repeats cells: by a factor, then to the size of what it is joined with."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.low = Double(3, 6), Double(6, 8), Double(8, 12)
        self.join2, self.join1 = Double(20, 8), Double(14, 6)
        self.last = T.Conv2d(6, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.low(F.max_pool2d(b, 2))
        c = F.interpolate(c, scale_factor=2, mode="nearest")
        b = self.join2(torch.cat([b, c], 1))
        b = F.interpolate(b, size=a.shape[2:], mode="nearest")
        return torch.sigmoid(self.last(self.join1(torch.cat([a, b], 1))))


class UNetBilinear(T.Module):
    """A U-Net that enlarges with aligned corners and pads to the size of what it joins."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.low = Double(3, 6), Double(6, 8), Double(8, 8)
        self.up = T.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.join2, self.join1 = Double(16, 6), Double(12, 6)
        self.last = T.Conv2d(6, CLASSES, 1)

    def joined(self, low: Tensor, skip: Tensor) -> Tensor:
        low = self.up(low)
        dy, dx = skip.size(2) - low.size(2), skip.size(3) - low.size(3)
        low = F.pad(low, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        return torch.cat([skip, low], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.low(F.max_pool2d(b, 2))
        b = self.join2(self.joined(c, b))
        return self.last(self.join1(self.joined(b, a)))


class Residual(T.Module):
    """A block of a diffusion network: group normalisation, SiLU, what the step adds."""

    def __init__(self, a: int, b: int, step: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = T.GroupNorm(2, a), T.Conv2d(a, b, 3, padding=1)
        self.step = T.Linear(step, b)
        self.norm2, self.conv2 = T.GroupNorm(4, b), T.Conv2d(b, b, 3, padding=1)
        self.shortcut = T.Conv2d(a, b, 1) if a != b else T.Identity()

    def forward(self, x: Tensor, step: Tensor) -> Tensor:
        y = self.conv1(F.silu(self.norm1(x))) + self.step(F.silu(step))[:, :, None, None]
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(y)))


class Cells(T.Module):
    """Attention of all cells of an image to each other."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.qkv = T.GroupNorm(4, width), T.Conv2d(width, 3 * width, 1)
        self.out = T.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(n, 3 * c, h * w).chunk(3, dim=1)
        weights = torch.softmax(torch.bmm(q.transpose(1, 2), k) * c**-0.5, dim=2)
        return x + self.out(torch.bmm(v, weights.transpose(1, 2)).reshape(n, c, h, w))


class UNetDiffusion(T.Module):
    """A U-Net of a diffusion model, with sines of its second input, the step (N,)."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("waves", torch.exp(-torch.arange(4.0)))
        self.step = T.Sequential(T.Linear(8, 12), T.SiLU(), T.Linear(12, 12))
        self.first = T.Conv2d(3, 8, 3, padding=1)
        self.down, self.smaller = Residual(8, 8, 12), T.Conv2d(8, 8, 3, 2, 1)
        self.low, self.attention = Residual(8, 12, 12), Cells(12)
        self.larger, self.up = T.Conv2d(12, 12, 3, padding=1), Residual(20, 8, 12)
        self.norm, self.last = T.GroupNorm(4, 8), T.Conv2d(8, 3, 3, padding=1)

    def forward(self, x: Tensor, step: Tensor) -> Tensor:
        angles = step[:, None] * self.waves[None]
        step = self.step(torch.cat([angles.sin(), angles.cos()], dim=-1))
        a = self.down(self.first(x), step)
        b = self.attention(self.low(self.smaller(a), step))
        b = self.larger(F.interpolate(b, scale_factor=2.0, mode="nearest"))
        b = self.up(torch.cat([b, a], 1), step)
        return self.last(F.silu(self.norm(b)))


class DeepLab(T.Module):
    """DeepLab v3: dilated convolutions and the mean of the image side by side; bilinear output."""

    def __init__(self) -> None:
        super().__init__()
        self.body = T.Sequential(conv(3, 8, 3, 2), Basic(8, 12, 2))
        self.one = conv(12, 8, 1)
        dilated = [T.Conv2d(12, 8, 3, padding=n, dilation=n, bias=False) for n in (2, 4)]
        self.wide = T.ModuleList(T.Sequential(c, T.BatchNorm2d(8), T.ReLU()) for c in dilated)
        self.mean = T.Sequential(T.AdaptiveAvgPool2d(1), T.Conv2d(12, 8, 1), T.ReLU())
        self.project, self.last = conv(32, 12, 1), T.Conv2d(12, CLASSES, 1)

    def forward(self, x: Tensor) -> Tensor:
        size, y = x.shape[-2:], self.body(x)
        mean = self.mean(y)
        mean = F.interpolate(mean, size=y.shape[-2:], mode="bilinear", align_corners=False)
        y = torch.cat([self.one(y), *(each(y) for each in self.wide), mean], dim=1)
        y = self.last(self.project(y))
        return F.interpolate(y, size=size, mode="bilinear", align_corners=False)


class PSPNet(T.Module):
    """Pyramid pooling: means over 1, 2 and 4 parts of each side, enlarged and joined."""

    def __init__(self) -> None:
        super().__init__()
        self.body = T.Sequential(conv(3, 8, 3, 2), Basic(8, 12))
        parts = (T.Sequential(T.AdaptiveAvgPool2d(n), conv(12, 4, 1)) for n in (1, 2, 4))
        self.parts = T.ModuleList(parts)
        self.last = T.Sequential(conv(24, 8), T.Dropout2d(0.1), T.Conv2d(8, CLASSES, 1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        size = y.shape[2:]
        parts = [F.interpolate(p(y), size, mode="bilinear", align_corners=True) for p in self.parts]
        y = self.last(torch.cat([y, *parts], 1))
        return F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=True)


class FPN(T.Module):
    """A feature pyramid: larger maps get what smaller ones know; three outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.c2, self.c3, self.c4 = conv(3, 8, 3, 2), Basic(8, 12, 2), Basic(12, 16, 2)
        self.lateral = T.ModuleList(T.Conv2d(n, 8, 1) for n in (8, 12, 16))
        self.smooth = T.ModuleList(T.Conv2d(8, 8, 3, padding=1) for _ in range(3))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        c2 = self.c2(x)
        c3 = self.c3(c2)
        maps = [lateral(c) for lateral, c in zip(self.lateral, (c2, c3, self.c4(c3)), strict=True)]
        for n in (1, 0):
            maps[n] = maps[n] + F.interpolate(maps[n + 1], size=maps[n].shape[-2:], mode="nearest")
        return tuple(smooth(m) for smooth, m in zip(self.smooth, maps, strict=True))


class CSP(T.Module):
    """A stage of YOLO: a part of the channels passes by."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.split, self.join = conv(width, width, 1, act=T.SiLU), conv(width, width, 1, act=T.SiLU)
        self.block = T.Sequential(conv(half, half, act=T.SiLU), conv(half, half, act=T.SiLU))

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.split(x).split(x.shape[1] // 2, 1)
        return self.join(torch.cat((a, b + self.block(b)), 1))


class Pyramid(T.Module):
    """Maxima over 5x5, taken three times, side by side (SPPF)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = conv(width, width // 2, 1, act=T.SiLU)
        self.last = conv(2 * width, width, 1, act=T.SiLU)
        self.pool = T.MaxPool2d(5, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        a = self.pool(x)
        b = self.pool(a)
        return self.last(torch.cat([x, a, b, self.pool(b)], 1))


class YOLO(T.Module):
    """Two heads of 3 anchors: centres and sizes of boxes in pixels, and scores."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = T.Sequential(conv(3, 8, 3, 2, act=T.SiLU), conv(8, 12, 3, 2, act=T.SiLU))
        self.fine = CSP(12)
        self.coarse = T.Sequential(conv(12, 16, 3, 2, act=T.SiLU), CSP(16), Pyramid(16))
        self.up, self.join = T.Upsample(scale_factor=2, mode="nearest"), conv(28, 12, act=T.SiLU)
        self.heads = T.ModuleList((T.Conv2d(12, 3 * 7, 1), T.Conv2d(16, 3 * 7, 1)))
        anchors = torch.tensor([[[4.0, 5], [8, 6], [6, 9]], [[12, 14], [20, 12], [18, 24]]])
        self.register_buffer("anchors", anchors)

    def boxes(self, y: Tensor, anchors: Tensor, stride: int) -> Tensor:
        n, _, h, w = y.shape
        y = y.view(n, 3, 7, h, w).permute(0, 1, 3, 4, 2).contiguous().sigmoid()
        rows, columns = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        grid = torch.stack((columns, rows), 2).view(1, 1, h, w, 2).float()
        xy, wh, score = y.split((2, 2, 3), 4)
        xy = (xy * 2 - 0.5 + grid) * stride
        wh = (wh * 2) ** 2 * anchors.view(1, 3, 1, 1, 2)
        return torch.cat((xy, wh, score), 4).view(n, -1, 7)

    def forward(self, x: Tensor) -> Tensor:
        fine = self.fine(self.stem(x))
        coarse = self.coarse(fine)
        fine = self.join(torch.cat([fine, self.up(coarse)], 1))
        fine = self.boxes(self.heads[0](fine), self.anchors[0], 4)
        return torch.cat([fine, self.boxes(self.heads[1](coarse), self.anchors[1], 8)], 1)


class SRCNN(T.Module):
    """An image enlarged by cubic interpolation, then three convolutions."""

    def __init__(self) -> None:
        super().__init__()
        first, second = T.Conv2d(1, 8, 9, padding=4), T.Conv2d(8, 6, 1)
        self.layers = T.Sequential(first, T.ReLU(), second, T.ReLU(), T.Conv2d(6, 1, 5, padding=2))

    def forward(self, x: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
        return x + self.layers(x)


class SRGAN(T.Module):
    """The generator of SRGAN: residual blocks with PReLU, pixel shuffle, tanh."""

    def __init__(self) -> None:
        super().__init__()
        self.first = T.Sequential(T.Conv2d(3, 8, 9, padding=4), T.PReLU())
        blocks = (T.Sequential(conv(8, 8, act=T.PReLU), conv(8, 8, act=None)) for _ in range(2))
        self.blocks = T.ModuleList(blocks)
        up = [T.Conv2d(8, 32, 3, padding=1), T.PixelShuffle(2), T.PReLU(8)]
        self.up = T.Sequential(*up, T.Conv2d(8, 3, 9, padding=4), T.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        x = y = self.first(x)
        for block in self.blocks:
            y = y + block(y)
        return self.up(x + y)


class CycleGAN(T.Module):
    """The generator of CycleGAN: reflection, instance normalisation, transposed convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self.layer(T.ReflectionPad2d(3), T.Conv2d(3, 6, 7), 6)
        self.down = self.layer(T.Conv2d(6, 12, 3, 2, 1), None, 12)
        same = T.Conv2d(12, 12, 3)
        self.block = T.Sequential(
            self.layer(T.ReflectionPad2d(1), same, 12),
            T.ReflectionPad2d(1), T.Conv2d(12, 12, 3), T.InstanceNorm2d(12),
        )  # fmt: skip
        self.up = self.layer(T.ConvTranspose2d(12, 6, 3, 2, 1, output_padding=1), None, 6)
        self.last = T.Sequential(T.ReflectionPad2d(3), T.Conv2d(6, 3, 7), T.Tanh())

    @staticmethod
    def layer(a: Any, b: Any, width: int) -> Any:
        """One or two layers, instance normalisation, ReLU."""
        layers = [a] if b is None else [a, b]
        return T.Sequential(*layers, T.InstanceNorm2d(width, affine=width == 6), T.ReLU(True))

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(self.first(x))
        return self.last(self.up(x + self.block(x)))


class GAN(T.Module):
    """The generator of DCGAN: a linear layer, transposed convolutions, tanh."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = T.Linear(10, 12 * 16), T.BatchNorm2d(12)
        up = [T.ConvTranspose2d(12, 8, 4, 2, 1, bias=False), T.BatchNorm2d(8), T.LeakyReLU(0.2)]
        self.up = T.Sequential(*up, T.ConvTranspose2d(8, 3, 4, 2, 1), T.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        x = self.first(z).view(-1, 12, 4, 4)
        return self.up(F.relu(self.norm(x)))


class Gated(T.Module):
    """A layer of WaveNet: padded on both sides and cropped, so that nothing sees what follows."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.pad = dilation
        self.conv = T.Conv1d(width, 2 * width, 2, padding=dilation, dilation=dilation)
        self.residual, self.skip = T.Conv1d(width, width, 1), T.Conv1d(width, 8, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        a, b = self.conv(x)[:, :, : -self.pad].chunk(2, 1)
        y = torch.tanh(a) * torch.sigmoid(b)
        return x + self.residual(y), self.skip(y)


class WaveNet(T.Module):
    """Dilated causal convolutions with gates; all skips are added."""

    def __init__(self) -> None:
        super().__init__()
        self.first = T.Conv1d(1, 8, 1)
        self.layers = T.ModuleList(Gated(8, 2**n) for n in range(4))
        self.last = T.Sequential(T.ReLU(), T.Conv1d(8, 8, 1), T.ReLU(), T.Conv1d(8, 16, 1))

    def forward(self, x: Tensor) -> Tensor:
        x, total = self.first(x), 0
        for layer in self.layers:
            x, skip = layer(x)
            total = total + skip
        return self.last(total)
