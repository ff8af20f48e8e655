"""Every input that has ever done harm, made by hand, under a name of its own."""

import os
import shutil
import struct
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import yaml

from inverse_shading.config.check import check_config
from inverse_shading.pictures.picture_file import read_picture
from inverse_shading.runtime.artefacts import read_json
from inverse_shading.runtime.files import seal
from inverse_shading.scene.environment import load_environment
from inverse_shading.scene.mesh import load_mesh
from tests.fuzz import meshes, pictures
from tests.fuzz.artefacts import (
    CARD,
    READERS,
    model_copy,
    predict,
    predicted,
    small_results,
    wrong_prediction,
)
from tests.fuzz.configurations import SHIPPED, planned, wrong_config
from tests.fuzz.harness import REFUSED, RIGHT, Input, Kind, Trial
from tests.fuzz.meshes import ball, ball_document, with_data_uri, wrong_gltf
from tests.support.meshes import glb

BOMBS = "decompression bombs"

Make = Callable[[Path, Path], Trial]
CASES: dict[str, tuple[str, Make]] = {}


def case(group: str, name: str) -> Callable[[Make], Make]:
    """Keep a function of the input's folder and the common one under a name."""

    def keep(make: Make) -> Make:
        CASES[name] = (group, make)
        return make

    return keep


def file_case(
    group: str,
    name: str,
    file: str,
    content: Callable[[], bytes],
    read: Callable[[Path], object],
    expected: str | None = REFUSED,
    judge: Callable[[object], str | None] = lambda found: None,
) -> None:
    """A case of one file."""

    def make(folder: Path, shared: Path) -> Trial:
        path = folder / file
        path.write_bytes(content())
        return Trial(lambda: read(path), judge, (file,), expected)

    case(group, name)(make)


# Pictures


def zeros(size: int) -> bytes:
    """A zlib stream of so many zeros, a thousandth of their number."""
    step = 1 << 20
    block = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = block.compress(bytes(step)) + block.flush(zlib.Z_FULL_FLUSH)
    last = zlib.compressobj(9, zlib.DEFLATED, -15)
    end = last.compress(bytes(size % step)) + last.flush()
    # Adler-32 of zeros alone.
    return b"\x78\xda" + content * (size // step) + end + struct.pack(">HH", size % 65521, 1)


def flat_png(side: int, depth: int, *chunks: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", side, side, depth, 2, 0, 0, 0)
    rows = zeros(side * (1 + side * 3 * depth // 8))
    parts = [pictures.chunk(b"IHDR", head), *chunks, pictures.chunk(b"IDAT", rows)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + pictures.chunk(b"IEND", b"")


def plain_tiff(
    side: int, channels: int, bits: int, kind: int, compression: int, strips: list[bytes]
) -> bytes:
    """A TIFF of strips or, if there are as many as channels, of planes.

    Args:
        kind: 1 for integers, 3 for floats.
        compression: 1 for none, 8 for deflate, 32773 for PackBits.
    """
    planar = 2 if len(strips) == channels else 1
    base = 8 + 2 + 12 * 12 + 4
    extra = max(0, channels - 3)
    lists = {
        258: struct.pack(f"<{channels}H", *[bits] * channels),
        273: b"",
        279: struct.pack(f"<{len(strips)}I", *map(len, strips)),
        338: struct.pack(f"<{extra}H", *[0] * extra),
        339: struct.pack(f"<{channels}H", *[kind] * channels),
    }
    sizes = {tag: len(data) for tag, data in lists.items()} | {273: 4 * len(strips)}
    first = base + sum(sizes.values())
    starts = [first + sum(map(len, strips[:i])) for i in range(len(strips))]
    lists[273] = struct.pack(f"<{len(strips)}I", *starts)
    counts = {258: channels, 273: len(strips), 279: len(strips), 338: extra, 339: channels}
    values = {256: side, 257: side, 259: compression, 262: 2, 277: channels, 278: side, 284: planar}
    entries, place, body = [], base, b""
    for tag in sorted([*values, *lists]):
        if tag in values:
            entries.append(struct.pack("<HHII", tag, 4, 1, values[tag]))
            continue
        data, code = lists[tag], 4 if tag in (273, 279) else 3
        inline = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack("<I", place)
        entries.append(struct.pack("<HHI", tag, code, counts[tag]) + inline)
        place, body = place + len(data), body + data
    # Without further channels their list is left out, and its room stays free.
    entries = [entry for entry in entries if extra or entry[:2] != struct.pack("<H", 338)]
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    head = b"II*\0" + struct.pack("<I", 8) + directory.ljust(base - 8, b"\0") + body
    return head + b"".join(strips)


def flat_exr(side: int) -> bytes:
    """Half-float red, green and blue, zipped, all zero."""

    def attribute(name: bytes, kind: bytes, data: bytes) -> bytes:
        return name + b"\0" + kind + b"\0" + struct.pack("<I", len(data)) + data

    box = struct.pack("<4i", 0, 0, side - 1, side - 1)
    channels = b"".join(
        name + b"\0" + struct.pack("<iB3xii", 1, 0, 1, 1) for name in (b"B", b"G", b"R")
    )
    head = b"\x76\x2f\x31\x01\2\0\0\0"
    head += attribute(b"channels", b"chlist", channels + b"\0")
    head += attribute(b"compression", b"compression", b"\3")
    head += attribute(b"dataWindow", b"box2i", box) + attribute(b"displayWindow", b"box2i", box)
    head += attribute(b"lineOrder", b"lineOrder", b"\0")
    head += attribute(b"pixelAspectRatio", b"float", struct.pack("<f", 1))
    head += attribute(b"screenWindowCenter", b"v2f", bytes(8))
    head += attribute(b"screenWindowWidth", b"float", struct.pack("<f", 1)) + b"\0"
    count = side // 16
    # Differences from one byte to the next, about 128.
    data = zlib.compress(b"\0" + b"\x80" * (side * 16 * 6 - 1))
    starts = [len(head) + 8 * count + i * (8 + len(data)) for i in range(count)]
    head += struct.pack(f"<{count}Q", *starts)
    return head + b"".join(struct.pack("<ii", 16 * i, len(data)) + data for i in range(count))


def flat_hdr(height: int, width: int) -> bytes:
    """Run-length coded, all alike."""
    runs = [127] * (width // 127) + ([width % 127] if width % 127 else [])
    channel = b"".join(bytes([128 + run, 128]) for run in runs)
    row = bytes([2, 2, width >> 8, width & 255]) + 4 * channel
    return b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % (height, width) + height * row


def packed(data: bytes) -> bytes:
    """PackBits without repeats."""
    parts = [data[i : i + 128] for i in range(0, len(data), 128)]
    return b"".join(bytes([len(part) - 1]) + part for part in parts)


def planes() -> list[bytes]:
    return [pictures.deep()[:36, :36, i].astype("<u2").tobytes() for i in range(3)]


def wrong_planes(found) -> str | None:
    true = pictures.source()[:36, :36].astype(np.float32)
    return None if np.abs(found.pixels - true).max() < 0.01 else "other pixels than the file has"


LARGE: dict[str, tuple[str, Callable[[], bytes], Callable[[Path], object]]] = {
    "PNG of 268 million pixels": ("a.png", lambda: flat_png(16384, 8), read_picture),
    "PNG of 88 million pixels": ("a.png", lambda: flat_png(9400, 8), read_picture),
    "PNG of 88 million pixels, 16 bits": ("a.png", lambda: flat_png(9400, 16), read_picture),
    "PNG with a profile of a gigabyte": (
        "a.png",
        lambda: flat_png(64, 8, pictures.chunk(b"iCCP", b"x\0\0" + zeros(1 << 30))),
        read_picture,
    ),
    "PNG with a text of a gigabyte": (
        "a.png",
        lambda: flat_png(64, 8, pictures.chunk(b"zTXt", b"x\0\0" + zeros(1 << 30))),
        read_picture,
    ),
    "TIFF of 88 million pixels": (
        "a.tif",
        lambda: plain_tiff(9400, 3, 8, 1, 8, [zeros(9400**2 * 3)]),
        read_picture,
    ),
    "TIFF of 144 million floats a channel": (
        "a.tif",
        lambda: plain_tiff(12000, 3, 32, 3, 8, [zeros(12000**2 * 12)]),
        read_picture,
    ),
    "TIFF of 200 channels": (
        "a.tif",
        lambda: plain_tiff(2300, 200, 32, 3, 8, [zeros(2300**2 * 800)]),
        read_picture,
    ),
    "EXR of 256 million pixels": ("a.exr", lambda: flat_exr(16000), read_picture),
    "EXR of 88 million pixels": ("a.exr", lambda: flat_exr(9392), read_picture),
    "HDR of 268 million pixels": ("a.hdr", lambda: flat_hdr(16384, 16384), read_picture),
    "environment of 512 million pixels": (
        "a.hdr",
        lambda: flat_hdr(16000, 32000),
        load_environment,
    ),
    "environment 8192 wide": ("a.hdr", lambda: flat_hdr(4096, 8192), load_environment),
}
for name, (file, content, read) in LARGE.items():
    file_case(BOMBS, name, file, content, read, expected=None)

GROUP = "pictures, hand-made"
file_case(
    GROUP, "HDR whose size has 5,000 digits", "a.hdr",
    lambda: b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y " + b"9" * 5000 + b" +X 32\n" + bytes(4096),
    read_picture,
)  # fmt: skip
file_case(
    GROUP, "HDR with more than its flat pixels", "a.hdr",
    lambda: pictures.hdr(pictures.radiance(), coded=False) + bytes(100), read_picture,
)  # fmt: skip
file_case(
    GROUP, "EPS named PNG", "a.png",
    lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\nshowpage\n",
    read_picture,
)  # fmt: skip
file_case(
    GROUP, "AVIF without pixels", "a.avif",
    lambda: struct.pack(">I", 24) + b"ftypavif\0\0\0\0avifmif1" + bytes(200), read_picture,
)  # fmt: skip
file_case(
    GROUP, "planar TIFF in PackBits", "a.tif",
    lambda: plain_tiff(36, 3, 16, 1, 32773, list(map(packed, planes()))), read_picture,
    expected=None, judge=wrong_planes,
)  # fmt: skip
file_case(
    GROUP, "planar TIFF cut short", "a.tif",
    lambda: plain_tiff(36, 3, 16, 1, 1, planes())[:-2000], read_picture,
)  # fmt: skip
file_case(
    GROUP, "deflate TIFF damaged", "a.tif",
    lambda: pictures.sample("TIFF 16 deflate").content.replace(b"\x78", b"\x79"), read_picture,
)  # fmt: skip


def changed_at(kind: str, place: int) -> bytes:
    """The undamaged file of a kind but for one bit, which no reader may pass over."""
    own = pictures.sample(kind)
    content = bytearray(own.content)
    content[(own.checked or own.rows)[0][0] + place] ^= 16
    return bytes(content)


# The place is counted from the first byte that is under a checksum or belongs to a row.
for name, kind, place in (
    ("a bit of a PNG's pixels", "PNG 8", 99),
    ("a bit of a PNG's pixels of 16 bits", "PNG 16", 8944),
    ("a bit of a deflate TIFF", "TIFF 8 deflate", 163),
    ("a bit of a deflate TIFF of 16 bits", "TIFF 16 deflate", 183),
    ("a bit of a planar deflate TIFF", "TIFF 16 planar deflate", 47),
    ("a bit that makes a coded HDR a flat one", "HDR coded", 0),
):
    suffix = pictures.PICTURES[kind][2]
    file_case(GROUP, name, f"a{suffix}", partial(changed_at, kind, place), read_picture)


def device_case(group: str, name: str, read: Callable[[Path], object], suffix: str, fifo: bool):
    """A file that isn't regular, under a name with the right suffix."""

    def make(folder: Path, shared: Path) -> Trial:
        path = folder / f"a{suffix}"
        os.mkfifo(path) if fifo else path.symlink_to("/dev/zero")
        return Trial(lambda: read(path), lambda found: None, (path.name,), REFUSED)

    case(group, name)(make)


for kind, read, suffix in (
    ("picture", read_picture, ".png"),
    ("environment", load_environment, ".hdr"),
    ("mesh", load_mesh, ".obj"),
):
    device_case(GROUP, f"{kind} that is a pipe", read, suffix, fifo=True)
    device_case(GROUP, f"{kind} that is /dev/zero", read, suffix, fifo=False)

# Meshes

GROUP = "meshes, hand-made"


def gltf_case(
    name: str,
    change: Callable[[dict], object],
    sparse: bool = False,
    expected: str | None = REFUSED,
) -> None:
    """The ball as glTF with something changed in its document."""

    def make(folder: Path, shared: Path) -> Trial:
        path = folder / "mesh.glb"
        document, content = ball_document(sparse)
        change(document)
        path.write_bytes(glb(document, content))
        return Trial(lambda: load_mesh(path), partial(wrong_gltf, path), (path.name,), expected)

    case(GROUP, name)(make)


def uri_case(name: str, uri: str, prepare: Callable[[Path], object] = lambda folder: None) -> None:
    def make(folder: Path, shared: Path) -> Trial:
        path = folder / "inner" / "mesh.gltf"
        path.parent.mkdir()
        document, content = ball_document()
        (folder / "outside.bin").write_bytes(content)
        prepare(path.parent)
        document["buffers"][0]["uri"] = uri.format(folder=folder)
        path.write_bytes(meshes.encoded(document))
        return Trial(lambda: load_mesh(path), lambda found: None, (path.name,), REFUSED)

    case(GROUP, name)(make)


def sets(*path, value) -> Callable[[dict], None]:
    """A change of one member of a document."""

    def change(document: dict) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return change


def chained(document: dict) -> None:
    document["nodes"] = [{"children": [i + 1]} for i in range(100_000)] + [{"mesh": 0}]


SPARSE = ("accessors", 0, "sparse")
INDICES = ("accessors", 4)
for member, value in (("byteOffset", -4), ("byteOffset", 2**40), ("byteStride", -12), ("byteStride", 0),
                      ("byteStride", 4), ("byteLength", 2**40), ("buffer", -1)):  # fmt: skip
    gltf_case(f"view with {member} {value}", sets("bufferViews", 0, member, value=value))
for member, value in (("byteOffset", -4), ("count", -1), ("count", 2**40), ("count", 0),
                      ("bufferView", -1), ("bufferView", 99)):  # fmt: skip
    gltf_case(f"accessor with {member} {value}", sets("accessors", 0, member, value=value))
    if member == "count":
        gltf_case(f"sparse with {member} {value}", sets(*SPARSE, member, value=value), sparse=True)
        continue
    for part in ("indices", "values"):
        change = sets(*SPARSE, part, member, value=value)
        gltf_case(f"sparse {part} with {member} {value}", change, sparse=True)
gltf_case(
    "sparse places of signed bytes",
    sets(*SPARSE, "indices", "componentType", value=5120),
    True,
    None,
)
gltf_case(
    "sparse places read as other bytes", sets(*SPARSE, "indices", "bufferView", value=1), True
)
gltf_case("11 indices", sets(*INDICES, "count", value=11), expected=None)
gltf_case("indices of VEC3", sets(*INDICES, "type", value="VEC3"))
gltf_case("indices of floats", sets(*INDICES, "componentType", value=5126))
gltf_case("a chain of 100,000 nodes", chained, expected=None)
gltf_case("a node that is its own child", sets("nodes", 0, "children", value=[0]))
gltf_case(
    "a translation that isn't finite", sets("nodes", 0, "translation", value=[0, float("nan"), 0])
)
uri_case("buffer /dev/zero", "/dev/zero")
uri_case("buffer that is a pipe", "pipe", lambda folder: os.mkfifo(folder / "pipe"))
uri_case("buffer above its folder", "../outside.bin")
uri_case("buffer above its folder, escaped", "%2e%2e/outside.bin")
uri_case("buffer by an absolute path", "{folder}/outside.bin")
uri_case(
    "buffer by a link out of its folder",
    "link.bin",
    lambda folder: (folder / "link.bin").symlink_to("../outside.bin"),
)
file_case(
    GROUP, "whole glTF with its buffer inside", "mesh.gltf",
    lambda: with_data_uri(*ball_document(sparse=True)), load_mesh, RIGHT,
    lambda found: None if np.array_equal(found.positions, ball().positions) else "other positions",
)  # fmt: skip
file_case(
    GROUP, "OBJ with an index of 5,000 digits", "mesh.obj",
    lambda: b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 " + b"9" * 5000, load_mesh,
)  # fmt: skip

# Configurations

GROUP = "configurations, hand-made"


def config_case(
    name: str, *path, value: object, expected: str | None = REFUSED, named: tuple[str, ...] = ()
) -> None:
    """The shipped configuration with one key changed; a refusal names it, what was found and what is
    allowed."""

    def make(folder: Path, shared: Path) -> Trial:
        config = yaml.safe_load(SHIPPED.read_text())
        sets(*path, value=value)(config)
        file = folder / "config.yaml"
        file.write_text(yaml.safe_dump(config))
        wanted = named or (".".join(map(str, path[:1])), "found", "allowed")
        return Trial(lambda: planned(file), partial(wrong_config, config), wanted, expected)

    case(GROUP, name)(make)


def yaml_case(name: str, text: str, named: tuple[str, ...]) -> None:
    """The shipped configuration's text with more after it."""

    def make(folder: Path, shared: Path) -> Trial:
        file = folder / "config.yaml"
        file.write_text(SHIPPED.read_text() + text)
        return Trial(lambda: planned(file), lambda found: None, named, REFUSED)

    case(GROUP, name)(make)


for number in (float("nan"), float("inf"), float("-inf")):
    for path in (
        ("training", "learning_rate"),
        ("training", "weight_decay"),
        ("stage", "camera", "azimuth"),
        ("stage", "camera", "fill"),
        ("refinement", "tolerance"),
        ("framing", "margin"),
        ("split", "train"),
        ("checkpoint_seconds",),
        ("search", "spaces", "pixel_components", "head.whitening", "high"),
    ):
        config_case(f"{'.'.join(path)} {number}", *path, value=number)
for path, number in (
    (("n_images",), 10000.0),
    (("shard_size",), 500.0),
    (("seeds",), [1.0]),
    (("refinement", "calibration_images"), 80.0),
    (("appearance", "images"), 100.0),
    (("baselines", "thumbnail_size"), 28.0),
):
    config_case(f"{'.'.join(path)} {number}", *path, value=number, expected=None)
for like in (["pixel_components"], 3, None, True, {"pixel_components": 1}):
    config_case(f"like {like!r}", "models", "mine", value={"like": like})
for key in (1, None, True, 1.5, "Upper", "best\n", "a.b", "", "ä"):
    config_case(f"model named {key!r}", "models", key, value={"like": "pixel_components"})
    config_case(
        f"study named {key!r}",
        "studies",
        key,
        value={"models": {"mine": {"like": "pixel_components"}}},
    )
config_case(
    "trunk named with a newline",
    "trunks",
    "vgg16\n",
    value={"architecture": "vgg16", "weights": "random"},
)
config_case("mesh with a newline", "stage", "mesh", value="mesh.obj\n")
config_case(
    "models that are like one another",
    "models",
    "pixel_components",
    value={"like": "pixel_components"},
)
yaml_case("an alias of itself", "\nfurther: &a\n  again: *a\n", ("further",))
yaml_case("a list in itself", "\nseeds: &a [1, *a]\n", ("seeds",))


@case(GROUP, "6,000 models")
def _(folder: Path, shared: Path) -> Trial:
    config = yaml.safe_load(SHIPPED.read_text())
    config["models"] |= {f"model_{i}": {"like": "pixel_components"} for i in range(6000)}
    # No more than the check: rules ask for the models that are wanted.
    return Trial(lambda: check_config(config), lambda found: None, (), RIGHT)


# Cards and checkpoints


def card_case(name: str, change: Callable[[dict], object]) -> None:
    def make(folder: Path, shared: Path) -> Trial:
        path = model_copy(folder, shared)
        card = read_json(path, "a card")
        change(card)
        path.write_bytes(meshes.encoded(card))
        seal(path)
        return Trial(partial(predicted, folder, shared), wrong_prediction, (path.name,), REFUSED)

    case("cards and checkpoints, hand-made", name)(make)


for key, value in (
    ("batch_size", 0), ("batch_size", -1), ("batch_size", True), ("batch_size", 10**9), ("threads", 0),
    ("threads", 10**9), ("precision", "x"), ("depths", {"image": 10**6}), ("trainable_stages", -1),
    ("architecture", "resnet50"), ("framing", []), ("trunk", "../../x"),
):  # fmt: skip
    card_case(f"card with {key} {value!r}", sets(key, value=value))
for path, value in (
    (("framing", "image_size"), 10**6), (("framing", "margin"), float("nan")), (("framing", "filter"), "x"),
    (("refinement", "stride"), 0), (("refinement", "step"), 0), (("refinement", "interval"), 1.5),
    (("refinement", "restarts"), 10**9), (("calibration", "scales", "tints"), "x"),
    (("checksums", "weights"), None),
):  # fmt: skip
    card_case(f"card with {'.'.join(path)} {value!r}", sets(*path, value=value))


def sealed_case(name: str, kind: str, change: Callable[[bytes], bytes]) -> None:
    """A file of a step's with something changed, under a checksum of its own."""

    def make(folder: Path, shared: Path) -> Trial:
        place, read = READERS[kind]
        path = folder / Path(place).name
        path.write_bytes(change((small_results(shared) / place).read_bytes()))
        seal(path)
        return Trial(lambda: read(path), lambda found: None, (path.name,), REFUSED)

    case("cards and checkpoints, hand-made", name)(make)


sealed_case("junk for a checkpoint", "checkpoint.pt", lambda content: b"junk")
sealed_case(
    "array whose header is no Python",
    "images.npy",
    lambda content: content.replace(b"'}", b"'", 1).replace(b"{'", b"{(", 1),
)
sealed_case(
    "header of 2^60 bytes",
    "stage.safetensors",
    lambda content: struct.pack("<Q", 2**60) + content[8:],
)
for word in (b"environment_samples", b"uniforms", b"materialx_version", b"irradiance"):
    sealed_case(
        f"stage without {word.decode()}", "stage.safetensors",
        lambda content, word=word: content.replace(word, word[::-1], 1),
    )  # fmt: skip


# Predictions: files that are the user's, and one bad picture among good ones

GROUP = "predict, files and names"


def picture_at(path: Path, shared: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(shared / "picture.png", path)
    return path


def keeps(kept: Path, folder: Path, shared: Path, paths: list[Path], output: Path) -> object:
    """Predict, and hold that a picture of the user's is what it was."""
    before = kept.read_bytes()
    try:
        for failure in predict(small_results(shared) / CARD, paths, output):
            raise failure
    finally:
        assert kept.read_bytes() == before, f"{kept.name} was overwritten"


def overwriting(name: str, arrange: Callable[[Path], tuple[str, str]]) -> None:
    """A case in which the picture real/p.png would be overwritten.

    Args:
        arrange: makes links in the folder and gives picture and output, relative to it.
    """

    def make(folder: Path, shared: Path) -> Trial:
        small_results(shared)
        kept = picture_at(folder / "real" / "p.png", shared)
        (folder / "other").mkdir()
        picture, output = arrange(folder)
        read = partial(keeps, kept, folder, shared, [folder / picture], folder / output)
        return Trial(read, lambda found: None, ("p.png",), REFUSED)

    case(GROUP, name)(make)


def linked(folder: Path, place: str, target: str) -> None:
    (folder / place).symlink_to(target)


overwriting("output in the picture's folder", lambda folder: ("real/p.png", "real"))
overwriting("output by ..", lambda folder: ("real/p.png", "other/../real"))
overwriting(
    "output by a link", lambda folder: linked(folder, "link", "real") or ("real/p.png", "link")
)
overwriting(
    "picture by a link",
    lambda folder: linked(folder, "other/p.png", "../real/p.png") or ("other/p.png", "real"),
)


def batch(name: str, bad: Callable[[Path, Path], list[Path]], refused: bool | None = True) -> None:
    """A batch of pictures, of which the first may be refused; the last is good and must be done.

    Args:
        bad: makes the others in a folder.
        refused: whether they must be; None where they may be.
    """

    def make(folder: Path, shared: Path) -> Trial:
        small_results(shared)
        inputs = folder / "in"
        others, good = bad(inputs, shared), picture_at(inputs / "good.png", shared)

        def judge(failures: list) -> str | None:
            from tests.fuzz.worker import unclear

            lacking = [unclear(str(failure), ()) for failure in failures]
            if any(lacking):
                return f"a refusal {lacking}"
            if refused and len(failures) != len(others):
                return f"{len(failures)} of {len(others)} refused"
            done = sum(path.stat().st_size > 0 for path in (folder / "out").glob("*.mtlx"))
            expected = 1 + len(others) - len(failures)
            if done != expected or not (folder / "out" / "good.mtlx").is_file():
                return f"{done} materials, expected {expected}"
            return wrong_prediction(folder / "out" / "good.json")

        read = partial(predict, small_results(shared) / CARD, [*others, good], folder / "out")
        # Names that can't be used may be refused before anything is done.
        return Trial(read, judge, (), None if refused is None else RIGHT)

    case(GROUP, name)(make)


def written(file: str, content: Callable[[], bytes]) -> Callable[[Path, Path], list[Path]]:
    def make(inputs: Path, shared: Path) -> list[Path]:
        inputs.mkdir(exist_ok=True)
        (inputs / file).write_bytes(content())
        return [inputs / file]

    return make


def piped(inputs: Path, shared: Path) -> list[Path]:
    inputs.mkdir()
    os.mkfifo(inputs / "a.png")
    linked(inputs, "b.png", "/dev/zero")
    return [inputs / "a.png", inputs / "b.png"]


batch(
    "a damaged TIFF in a batch",
    written("a.tif", lambda: pictures.sample("TIFF 16 deflate").content.replace(b"\x78", b"\x79")),
)
batch(
    "a TIFF without rows in a batch",
    written("a.tif", lambda: plain_tiff(0, 3, 16, 1, 1, [b"x"] * 3)),
)
batch(
    "an AVIF in a batch",
    written("a.avif", lambda: struct.pack(">I", 24) + b"ftypavif\0\0\0\0avifmif1" + bytes(99)),
)
batch("a pipe and a device in a batch", piped)
for name in ("a\\b", "a{b}", "a\nb", "a b", "<a>", "é", "n" * 240, os.fsdecode(b"a\xff")):
    batch(
        f"picture named {name[:9]!r}",
        lambda inputs, shared, name=name: [picture_at(inputs / f"{name}.png", shared)],
        refused=None,
    )


@case(GROUP, "a picture named like another's alternative")
def _(folder: Path, shared: Path) -> Trial:
    small_results(shared)
    paths = [picture_at(folder / "in" / f"{name}.png", shared) for name in ("a_alternative_1", "a")]
    card, output = small_results(shared) / CARD, folder / "out"

    def read() -> list:
        # One after the other, so that the second finds what the first has written.
        return [failure for path in paths for failure in predict(card, [path], output)]

    def judge(failures: list) -> str | None:
        lost = [path.stem for path in paths if not (output / f"{path.stem}.mtlx").is_file()]
        return f"lost {lost}" if lost or failures else None

    return Trial(read, judge, ("a_alternative_1",))


@case(GROUP, "a link to the model's folder")
def _(folder: Path, shared: Path) -> Trial:
    model, link = small_results(shared) / "models" / "tested", folder / "link"
    link.symlink_to(model)
    (folder / "out").mkdir()
    read = partial(predict, link / "model.json", [shared / "picture.png"], folder / "out")
    return Trial(read, lambda failures: str(failures) if failures else None, ("tested",), None)


def make(name: str, one: Input, folder: Path, shared: Path) -> Trial:
    return CASES[name][1](folder, shared)


KINDS = {
    name: Kind(group, 1, partial(make, name), listed=True) for name, (group, _) in CASES.items()
}
