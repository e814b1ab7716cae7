"""What kind of file this is, from its first bytes: images that are read, and remedies for others.

Files are known by content, never by name, so a wrong extension does no harm; the name helps only
where the content cannot tell (camera raw files are TIFF inside) or is unknown.
"""

from __future__ import annotations

from pathlib import Path

from allconv.errors import FileError

READ = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif", ".webp", ".tif", ".tiff"}
)
HEAD_BYTES = 32

_CONVERT = "convert it to JPEG or PNG"
_PHONE = f"{_CONVERT} (on an iPhone: Settings, Camera, Formats, Most Compatible)"
_REMEDIES = {
    "HEIC": _PHONE,
    "PDF": "export its pages as PNG",
    "SVG": "draw it as PNG at the size you need",
    "camera raw": "develop it to JPEG or TIFF",
}
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"BM", "BMP"),
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (8, b"WEBP", "WEBP"),
    (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
    (0, b"II+\x00", "TIFF"),
    (0, b"MM\x00+", "TIFF"),
    *((4, b"ftyp" + brand, "HEIC") for brand in (b"hei", b"hev", b"mif1", b"msf1")),
    *((4, b"ftyp" + brand, "AVIF") for brand in (b"avif", b"avis")),
    (4, b"ftypcrx", "camera raw"),
    (4, b"jP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (4, b"JXL \r\n\x87\n", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"8BPS", "Photoshop"),
    (0, b"%PDF", "PDF"),
    (0, b"%!PS", "PostScript"),
    (0, b"\x00\x00\x01\x00", "icon"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"<svg", "SVG"),
    *((0, b"P%d" % kind, "PNM") for kind in range(1, 8)),
)
_SUFFIX_FORMATS = {
    **dict.fromkeys((".heic", ".heif"), "HEIC"),
    ".avif": "AVIF",
    **dict.fromkeys((".jp2", ".j2k", ".jpx"), "JPEG 2000"),
    ".jxl": "JPEG XL",
    ".psd": "Photoshop",
    ".svg": "SVG",
    **dict.fromkeys((".eps", ".ps"), "PostScript"),
    ".ico": "icon",
    ".tga": "Targa",
    **dict.fromkeys((".pbm", ".pgm", ".ppm", ".pnm"), "PNM"),
    **dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf"), "camera raw"),
}


def is_image_name(path: Path) -> bool:
    """Whether the extension is that of an image, of a format that is read or of another."""
    suffix = path.suffix.lower()
    return suffix in SUFFIXES or suffix in _SUFFIX_FORMATS


def find_format(head: bytes, path: Path) -> str | None:
    """Name of the format from the first HEAD_BYTES bytes of the file; None where it is unknown."""
    by_name = _SUFFIX_FORMATS.get(path.suffix.lower())
    if by_name == "camera raw":
        return by_name
    for offset, magic, name in _SIGNATURES:
        if head[offset : offset + len(magic)] == magic:
            return name
    return by_name


def check_format(head: bytes, path: Path) -> str:
    """Return the format of a file that is read; FileError with the remedy for any other."""
    if not head:
        raise FileError("is empty (0 bytes); copy it again or delete it")
    name = find_format(head, path)
    if name is None:
        raise FileError(f"is not an image that is read ({', '.join(READ)}); {_CONVERT}")
    if name not in READ:
        article = "an" if name[0] in "AHIi" and name != "HEIC" else "a"
        remedy = _REMEDIES.get(name, _CONVERT)
        raise FileError(f"is {article} {name} image, which is not read; {remedy}")
    return name
