"""Networks that answer one question of an image, in plain PyTorch, of small widths."""

from __future__ import annotations

from export_blocks import CLASSES, Basic, Channels, F, Inverted, T, Tensor, conv, torch


class LeNet(T.Module):
    """LeNet-5 with its tanh and average pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = T.Conv2d(1, 6, 5, padding=2), T.Conv2d(6, 8, 5)
        self.fc1, self.fc2 = T.Linear(8 * 5 * 5, 24), T.Linear(24, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.avg_pool2d(torch.tanh(self.conv2(x)), 2)
        x = torch.tanh(self.fc1(x.view(x.size(0), -1)))
        return F.log_softmax(self.fc2(x), dim=1)


class ResNet(T.Module):
    """A stem of 7x7 and pooling, three stages of basic blocks, global pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(3, 8, 7, 2)
        self.pool = T.MaxPool2d(3, 2, 1)
        self.stages = T.Sequential(Basic(8, 8), Basic(8, 12, 2), Basic(12, 12), Basic(12, 16, 2))
        self.mean, self.fc = T.AdaptiveAvgPool2d((1, 1)), T.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages(self.pool(self.stem(x)))
        return self.fc(torch.flatten(self.mean(x), 1))


class VGG(T.Module):
    """Pairs of convolutions and pooling, adaptive pooling to 2x2, linear layers with dropout."""

    def __init__(self) -> None:
        super().__init__()
        layers, before = [], 3
        for width in (8, 12, 16):
            layers += [T.Conv2d(before, width, 3, padding=1), T.ReLU(True)]
            layers += [T.Conv2d(width, width, 3, padding=1), T.ReLU(True), T.MaxPool2d(2)]
            before = width
        self.features, self.pool = T.Sequential(*layers), T.AdaptiveAvgPool2d((2, 2))
        hidden = [T.Linear(16 * 4, 24), T.ReLU(True), T.Dropout(), T.Linear(24, 24), T.ReLU(True)]
        self.classifier = T.Sequential(*hidden, T.Dropout(), T.Linear(24, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.pool(self.features(x)), 1))


class MobileNetV2(T.Module):
    """Inverted residuals with ReLU6."""

    def __init__(self) -> None:
        super().__init__()
        blocks = [Inverted(8, 8, 16), Inverted(8, 12, 24, 2), Inverted(12, 12, 36)]
        self.features = T.Sequential(conv(3, 8, 3, 2, act=T.ReLU6), *blocks, conv(12, 32, 1))
        self.classifier = T.Sequential(T.Dropout(0.2), T.Linear(32, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).mean([2, 3]))


class MobileNetV3(T.Module):
    """Inverted residuals with hard swish, and squeeze-and-excitation with a hard sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        act, gate = T.Hardswish, T.Hardsigmoid
        self.features = T.Sequential(
            conv(3, 8, 3, 2, act=act),
            Inverted(8, 8, 16, act=T.ReLU, gate=gate),
            Inverted(8, 12, 24, 2, 5, act, gate),
            Inverted(12, 12, 24, 1, 5, act, gate),
            conv(12, 24, 1, act=act),
        )
        self.pool = T.AdaptiveAvgPool2d(1)
        self.classifier = T.Sequential(T.Linear(24, 32), act(), T.Dropout(), T.Linear(32, CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.pool(self.features(x)), 1))


class EfficientNet(T.Module):
    """Inverted residuals with SiLU, and squeeze-and-excitation with a sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        act, gate = T.SiLU, T.Sigmoid
        self.features = T.Sequential(
            conv(3, 8, 3, 2, act=act),
            Inverted(8, 8, 16, 1, 3, act, gate),
            Inverted(8, 12, 32, 2, 5, act, gate),
            Inverted(12, 12, 48, 1, 5, act, gate),
            conv(12, 32, 1, act=act),
        )
        self.pool, self.fc = T.AdaptiveAvgPool2d(1), T.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.pool(self.features(x)).flatten(1))


class Dense(T.Module):
    """A layer of DenseNet: what it makes is appended to what it takes."""

    def __init__(self, a: int, growth: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = T.BatchNorm2d(a), T.Conv2d(a, 2 * growth, 1, bias=False)
        self.norm2 = T.BatchNorm2d(2 * growth)
        self.conv2 = T.Conv2d(2 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.relu(self.norm1(x)))
        return torch.cat([x, self.conv2(F.relu(self.norm2(y)))], 1)


class DenseNet(T.Module):
    """Two dense blocks, the first with a transition that halves channels and cells."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = T.Conv2d(3, 8, 3, padding=1, bias=False)
        self.block1 = T.Sequential(*(Dense(8 + 6 * n, 6) for n in range(3)))
        down = [T.BatchNorm2d(26), T.ReLU(), T.Conv2d(26, 13, 1, bias=False), T.AvgPool2d(2, 2)]
        self.down = T.Sequential(*down)
        self.block2 = T.Sequential(*(Dense(13 + 6 * n, 6) for n in range(3)))
        self.norm, self.fc = T.BatchNorm2d(31), T.Linear(31, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.block2(self.down(self.block1(self.stem(x))))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


def shuffled(x: Tensor, groups: int) -> Tensor:
    """The channel shuffle of ShuffleNet."""
    n, c, h, w = x.size()
    x = x.view(n, groups, c // groups, h, w)
    return torch.transpose(x, 1, 2).contiguous().view(n, c, h, w)


class Shuffle(T.Module):
    """A block of ShuffleNet v2: half of the channels pass by, or both halves are halved in size."""

    def __init__(self, a: int, b: int, s: int) -> None:
        super().__init__()
        self.s, half, first = s, b // 2, a if s > 1 else b // 2
        depthwise = conv(half, half, 3, s, half, None)
        self.right = T.Sequential(conv(first, half, 1), depthwise, conv(half, half, 1))
        self.left = T.Sequential(conv(a, a, 3, 2, a, None), conv(a, half, 1)) if s > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        if self.left is not None:
            return shuffled(torch.cat((self.left(x), self.right(x)), dim=1), 2)
        left, right = x.chunk(2, dim=1)
        return shuffled(torch.cat((left, self.right(right)), dim=1), 2)


class ShuffleNet(T.Module):
    """ShuffleNet v2."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.pool = conv(3, 8, 3, 2), T.MaxPool2d(3, 2, 1)
        self.blocks = T.Sequential(Shuffle(8, 24, 2), Shuffle(24, 24, 1), Shuffle(24, 24, 1))
        self.last, self.fc = conv(24, 32, 1), T.Linear(32, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.last(self.blocks(self.pool(self.stem(x)))).mean([2, 3]))


class ConvNeXtBlock(T.Module):
    """Depthwise 7x7, layer normalisation, two linear layers on permuted axes, layer scale."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = T.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = T.LayerNorm(width, eps=1e-6)
        self.wide, self.narrow = T.Linear(width, 4 * width), T.Linear(4 * width, width)
        self.scale = T.Parameter(torch.ones(width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.narrow(F.gelu(self.wide(y))).permute(0, 3, 1, 2)
        return x + self.scale * y


class ConvNeXt(T.Module):
    """ConvNeXt with two stages."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = T.Sequential(T.Conv2d(3, 8, 4, 4), Channels(8))
        down = T.Sequential(Channels(8), T.Conv2d(8, 16, 2, 2))
        self.stages = T.Sequential(ConvNeXtBlock(8), ConvNeXtBlock(8), down, ConvNeXtBlock(16))
        self.norm, self.fc = T.LayerNorm(16, eps=1e-6), T.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.norm(self.stages(self.stem(x)).mean([-2, -1])))


class Fire(T.Module):
    """A module of SqueezeNet: few channels, then 1x1 beside 3x3."""

    def __init__(self, a: int, few: int, each: int) -> None:
        super().__init__()
        self.few = T.Conv2d(a, few, 1)
        self.one, self.three = T.Conv2d(few, each, 1), T.Conv2d(few, each, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.few(x))
        return torch.cat([F.relu(self.one(x)), F.relu(self.three(x))], 1)


class SqueezeNet(T.Module):
    """SqueezeNet: pooling that rounds sizes up, a 1x1 convolution for a head."""

    def __init__(self) -> None:
        super().__init__()
        pool = T.MaxPool2d(3, 2, ceil_mode=True)
        first = [T.Conv2d(3, 12, 3, 2), T.ReLU(), pool, Fire(12, 6, 8), Fire(16, 6, 8), pool]
        self.features = T.Sequential(*first, Fire(16, 8, 12))
        last = [T.Dropout(0.5), T.Conv2d(24, CLASSES, 1), T.ReLU(), T.AdaptiveAvgPool2d((1, 1))]
        self.classifier = T.Sequential(*last)

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(self.classifier(self.features(x)), 1)


class CBAM(T.Module):
    """Attention over channels by their means and maxima, then over cells by those of channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, last = T.Linear(channels, channels // 4), T.Linear(channels // 4, channels)
        self.both, self.cells = T.Sequential(first, T.ReLU(), last), conv(2, 1, 7, act=None)

    def forward(self, x: Tensor) -> Tensor:
        n, c = x.shape[:2]
        mean = self.both(F.adaptive_avg_pool2d(x, 1).view(n, c))
        most = self.both(F.adaptive_max_pool2d(x, 1).view(n, c))
        x = x * torch.sigmoid(mean + most)[:, :, None, None]
        maps = torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True)[0]], 1)
        return x * torch.sigmoid(self.cells(maps))


class CBAMNet(T.Module):
    """Basic blocks with CBAM between them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = T.Sequential(conv(3, 8), CBAM(8), Basic(8, 16, 2), CBAM(16))
        self.fc = T.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return F.softmax(self.fc(self.layers(x).mean((2, 3))), dim=-1)


class Encoder(T.Module):
    """A block of a transformer, its heads by reshape, permute and split."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.each = heads, width // heads
        self.norm1, self.norm2 = T.LayerNorm(width), T.LayerNorm(width)
        self.qkv, self.out = T.Linear(width, 3 * width), T.Linear(width, width)
        self.mlp = T.Sequential(T.Linear(width, 2 * width), T.GELU(), T.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        n, cells, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(n, cells, 3, self.heads, self.each)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        weights = ((q @ k.transpose(-2, -1)) * self.each**-0.5).softmax(dim=-1)
        y = (weights @ v).transpose(1, 2).reshape(n, cells, width)
        x = x + self.out(y)
        return x + self.mlp(self.norm2(x))


class Transformer(T.Module):
    """A convolutional stem, a class token, places, two encoders; the second is PyTorch's own."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = T.Sequential(conv(3, 8, 3, 2), T.Conv2d(8, 16, 4, 4))
        self.token = T.Parameter(torch.randn(1, 1, 16))
        self.places = T.Parameter(torch.randn(1, 17, 16))
        self.first = Encoder(16, 2)
        self.attention = T.MultiheadAttention(16, 4, batch_first=True)
        self.norm, self.fc = T.LayerNorm(16), T.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.places
        x = self.first(x)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return self.fc(self.norm(x)[:, 0])


class Volume(T.Module):
    """3-D convolutions, as for scans and videos."""

    def __init__(self) -> None:
        super().__init__()
        first = [T.Conv3d(1, 6, 3, padding=1), T.BatchNorm3d(6), T.ReLU(), T.MaxPool3d(2)]
        last = [T.Conv3d(6, 8, (1, 3, 3)), T.ReLU(), T.Conv3d(8, 8, (3, 1, 1)), T.LeakyReLU(0.1)]
        self.layers = T.Sequential(*first, *last, T.AdaptiveAvgPool3d(1))
        self.fc = T.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.layers(x).flatten(1))
