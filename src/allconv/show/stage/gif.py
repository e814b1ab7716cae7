"""A state as a film: one frame for each cell of the result, drawn from the primitives of scenes in
the colours of the light theme. What a lit cell looks like the rules of `css/stage.css` say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

from allconv.errors import LimitError
from allconv.picture.palette import LIGHT, channels
from allconv.show.page.document import style_text
from allconv.show.stage.picture import WIDTH, StagePicture
from allconv.show.stage.primitives import Circle, Path, Rect, Scene, Text
from allconv.show.stage.settings import StageSettings

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

    Color = tuple[int, int, int, int]

MOST_FRAMES = 256
MOST_PIXELS = 120_000_000
"""Of all frames together."""

SCALE = 2  # drawn so much larger and then reduced: smooth edges
MILLISECONDS, LAST_MILLISECONDS = 700, 2500  # that a frame is shown, and the last one
COLOURS = 128
_SPELT = str.maketrans({"−": "-", "×": "x", "→": ">", "∞": "inf"})
"""Signs that Pillow's own font does not have."""

_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_VARIABLE = re.compile(r"var\((--[\w-]+)\)")

STEPS = 24  # points of each curve of a ribbon


def stage_gif(state: StageSettings) -> bytes:
    """The film of a state as a GIF that repeats: as many frames as the array that is left out has
    cells, each showing the cells so far.

    Errors: those of `model_of`; LimitError for more than 256 frames, or too many pixels.
    """
    picture = StagePicture.of(state)
    first = picture.scene(0, WIDTH)
    pixels = picture.count * first.width * first.height
    if picture.count > MOST_FRAMES or pixels > MOST_PIXELS:
        raise LimitError(
            f"the film would have {picture.count:,} frames, one a cell of the result, and "
            f"{pixels / 1e6:,.0f} million pixels; at most {MOST_FRAMES} and "
            f"{MOST_PIXELS // 10**6} million are written: use smaller sizes, or .html"
        )
    scenes = (picture.scene(cell, WIDTH, upto=cell) for cell in range(picture.count))
    frames = _indexed([as_pixels(scene) for scene in scenes])
    held = BytesIO()
    frames[0].save(
        held,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=[MILLISECONDS] * (len(frames) - 1) + [LAST_MILLISECONDS],
        loop=0,
        optimize=False,
        comment=b"allconv",  # by which a command knows what it may replace
    )
    return held.getvalue()


def _indexed(frames: list[Image]) -> list[Image]:
    """The frames in the colours that some of them have."""
    from PIL import Image
    from PIL.Image import Dither

    chosen = frames[:: max(len(frames) // 2, 1)]
    strip = Image.new("RGB", (frames[0].width, frames[0].height * len(chosen)))
    for n, frame in enumerate(chosen):
        strip.paste(frame, (0, n * frame.height))
    palette = strip.quantize(COLOURS)
    return [frame.quantize(palette=palette, dither=Dither.NONE) for frame in frames]


def as_pixels(scene: Scene) -> Image:
    """A scene as pixels."""
    from PIL import Image, ImageDraw

    left, right = scene.edges
    size = round(left + scene.width + right) * SCALE, round(scene.height) * SCALE
    image = Image.new("RGB", size, channels(LIGHT.paper))
    for item in scene.items:
        if isinstance(item, Path):
            _ribbon(image, item, left)
    pen = _Pen(ImageDraw.Draw(image, "RGBA"), left)
    for item in scene.items:
        match item:
            case Rect():
                pen.rectangle(item)
            case Text():
                pen.text(item)
            case Circle():
                pen.dot(item)
    return image.reduce(SCALE)


def _color(classes: str, name: str) -> Color | None:
    """The fill or stroke of some classes; None where nothing is drawn."""
    style = style_of(classes)
    value = style.get(name, "none")
    if value == "none":
        return None
    return *channels(value), round(255 * float(style.get("opacity", 1)))


@dataclass(frozen=True)
class _Pen:
    """Draws primitives so many pixels to the right."""

    draw: ImageDraw
    left: float

    def rectangle(self, item: Rect) -> None:
        """A cell, a plate, a frame; a dashed border is drawn by its lines."""
        style = style_of(item.classes)
        x, y = (item.x + self.left) * SCALE, item.y * SCALE
        box = x, y, x + item.width * SCALE, y + item.height * SCALE
        fill, stroke = _color(item.classes, "fill"), _color(item.classes, "stroke")
        width = round(float(style.get("stroke-width", 1)) * SCALE)
        dashes = style.get("stroke-dasharray", "none")
        is_dashed = stroke is not None and dashes != "none" and "round" not in item.classes
        border = None if is_dashed else stroke
        self.draw.rounded_rectangle(box, item.radius * SCALE, fill, border, width)
        if is_dashed:
            self._dashed(box, dashes, stroke, width)

    def _dashed(
        self, box: tuple[float, float, float, float], dashes: str, color: Color | None, width: int
    ) -> None:
        x, y, right, bottom = box
        on, off = (float(length) * SCALE for length in (dashes.split() * 2)[:2])
        for start in _starts(x, right, on + off):
            end = min(start + on, right)
            self.draw.line((start, y, end, y), color, width)
            self.draw.line((start, bottom, end, bottom), color, width)
        for start in _starts(y, bottom, on + off):
            end = min(start + on, bottom)
            self.draw.line((x, start, x, end), color, width)
            self.draw.line((right, start, right, end), color, width)

    def text(self, item: Text) -> None:
        """A number, a caption."""
        color = _color(item.classes, "fill")
        if color is None or not item.text:
            return
        text = f"{item.letter}  {item.text}" if item.letter else item.text
        bold = 0.4 * SCALE if "font-weight" in style_of(item.classes) else 0
        self.draw.text(
            ((item.x + self.left) * SCALE, item.y * SCALE),
            text.translate(_SPELT),
            fill=color,
            font=_font(round(item.size * SCALE)),
            anchor={"start": "ls", "middle": "ms", "end": "rs"}[item.anchor],
            stroke_width=bold,
        )

    def dot(self, item: Circle) -> None:
        """Where a window may stand."""
        x, y = (item.x + self.left) * SCALE, item.y * SCALE
        r = item.radius * SCALE
        self.draw.ellipse((x - r, y - r, x + r, y + r), fill=_color(item.classes, "fill"))


def _starts(first: float, end: float, step: float) -> Iterator[float]:
    """Where the dashes of a line begin."""
    while first < end:
        yield first
        first += step


@cache
def _font(size: int) -> FreeTypeFont | Any:
    from PIL import ImageFont

    return ImageFont.load_default(max(size, 1))


def _ribbon(image: Image, item: Path, edge: float) -> None:
    """A ribbon whose colour goes from that of one array to that of the next."""
    from PIL import Image, ImageDraw

    outline = _outline(item, edge)
    xs, ys = [x for x, _ in outline], [y for _, y in outline]
    left, top = int(min(xs)), int(min(ys))
    width, height = int(max(xs)) - left + 1, int(max(ys)) - top + 1
    ramp = Image.linear_gradient("L")
    if item.shape == "across":
        ramp = ramp.transpose(Image.Transpose.ROTATE_90)
    ramp = ramp.resize((width, height))
    first, last = (channels(LIGHT.roles[role]) for role in item.classes.split()[1])
    plain = [Image.new("RGB", (width, height), colour) for colour in (first, last)]
    coloured = Image.composite(plain[1], plain[0], ramp)
    mask = Image.new("L", (width, height), 0)
    inside = [(x - left, y - top) for x, y in outline]
    ImageDraw.Draw(mask).polygon(inside, fill=round(255 * LIGHT.beam))
    image.paste(coloured, (left, top), mask)


def _outline(item: Path, edge: float) -> list[tuple[float, float]]:
    """The points of a ribbon's outline, in the pixels that are drawn."""
    p = item.points
    if item.shape == "down":
        a, b, c, d = (p[0], p[1]), (p[2], p[3]), (p[4], p[3]), (p[5], p[1])
    else:
        a, b, c, d = (p[0], p[1]), (p[2], p[3]), (p[2], p[4]), (p[0], p[5])
    points = [*_curve(a, b, item.shape), *_curve(c, d, item.shape)]
    return [((x + edge) * SCALE, y * SCALE) for x, y in points]


def _curve(a: tuple[float, float], b: tuple[float, float], shape: str) -> list[tuple[float, float]]:
    """From one point to another, leaving and arriving along the ribbon."""
    found = []
    for n in range(STEPS + 1):
        t = n / STEPS
        # A cubic whose two middle points lie halfway along: straight one way, eased the other.
        eased = t * t * (3 - 2 * t)
        even = 1.5 * t * (1 - t) + t**3
        across, down = (eased, even) if shape == "down" else (even, eased)
        found.append((a[0] + (b[0] - a[0]) * across, a[1] + (b[1] - a[1]) * down))
    return found


@cache
def style_of(classes: str) -> dict[str, str]:
    """The declarations for an element with these classes, in the light theme's colours.

    As in CSS the rule with most classes wins, of equal ones the last.

    >>> style_of("frame w")["stroke-width"]
    '2.25'
    """
    given, found = set(classes.split()), {}
    for _, names, declarations in sorted(_rules(), key=lambda rule: rule[0]):
        if names <= given:
            found.update(declarations)
    return found


@cache
def _rules() -> list[tuple[int, frozenset[str], dict[str, str]]]:
    """Each selector's count of classes, the classes, and its declarations. Those of parts of an
    element (".caption .letter") are left out."""
    colours, found = LIGHT.variables(), []
    for selectors, body in _RULE.findall(_COMMENT.sub("", style_text("stage.css"))):
        body = _VARIABLE.sub(lambda match: colours[match[1]], body)
        pairs = (each.split(":", 1) for each in body.split(";") if ":" in each)
        declarations = {name.strip(): value.strip() for name, value in pairs}
        for selector in selectors.split(","):
            names = selector.strip()
            if " " not in names:
                each = frozenset(names.removeprefix(".").split("."))
                found.append((len(each), each, declarations))
    return found
