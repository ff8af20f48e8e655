"""The data card: what the data set is, for people (README.md) and machines (croissant.json).

Croissant (https://docs.mlcommons.org/croissant) is a vocabulary for data sets on top of schema.org.
Checksums are those of the files' seals, so that no file is read for the card.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path, PurePath

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from inverse_shading.dataset.ranges import parse_range
from inverse_shading.dataset.splits import SPLITS, split_sizes
from inverse_shading.material.parameters import DECIMALS, PARAMETERS
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import read_seal, write_text
from inverse_shading.scene.built_in_lights import LIGHTS

TEMPLATE, CONTEXT = "data_card.md.j2", "croissant_context.json"

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
NAME = "inverse_shading"

# Kinds of files: media type, and what they hold.
KINDS = {
    "parameters": ("text/csv", "Ten inputs of each material, and the id of its image."),
    "splits": ("text/csv", "The split that each image is in."),
    "renders": (
        "application/x-tar",
        "WebDataset shards: of each material ID.png, the whole frame, and ID.json, its inputs.",
    ),
    "images": (
        "application/octet-stream",
        "NumPy arrays (.npy, uint8, RGB) of the frames, cropped to the object and resized; row i "
        "of FIRST-LAST.npy is image FIRST + i.",
    ),
    "stage": ("application/octet-stream", "Mesh, camera, light and shader (safetensors)."),
}
MEANINGS = {
    "base": "Weight of the diffuse reflection.",
    "base_color": "Colour of the diffuse reflection, and of metals.",
    "specular": "Weight of the specular reflection.",
    "specular_roughness": "Roughness of the specular reflection.",
    "specular_color": "Tint of the specular reflection.",
    "metalness": "From dielectric to metal.",
}
# A number, since readers of CSV take the leading zeros away.
IMAGE = "Number of the image; files are named by it in nine digits."
CHANNELS = {"_r": "red", "_g": "green", "_b": "blue"}


def write_data_card(
    readme: str | Path,
    croissant: str | Path,
    paths: Mapping[str, Sequence[str | Path]],
    config: Mapping,
    citation: str | Path,
) -> None:
    """Write README.md and croissant.json of a data set; the same data set gives the same bytes.

    Args:
        readme, croissant: files to write, in the folder that the data set lies in.
        paths: the sealed files of each of `KINDS`, in or below that folder; all but the stage's are
            named by their ranges, the same in the same order.
        config: seed, shard_size, frame_size, environment_samples; split, stage and framing, sections
            of the config.
        citation: the project's CITATION.cff.

    Raises:
        InputError: a file has no checksum, the citation can't be used, or a card can't be written.
    """
    folder = Path(readme).parent
    cited = _read_citation(citation)
    ranges = [parse_range(Path(path).stem) for path in paths["parameters"]]
    sizes = split_sizes(config["shard_size"], config["split"])
    facts = {
        **cited,
        "images": sum(map(len, ranges)),
        "ranges": ranges,
        "splits": {name: sizes[name] * len(ranges) for name in SPLITS},
        "decimals": DECIMALS,
        "inputs": {name: _meaning(name) for name in PARAMETERS},
        "kinds": {kind: what for kind, (_, what) in KINDS.items()},
        "config": _published(config),
        "own_files": [key for key in ("mesh", "environment") if config["stage"][key] not in LIGHTS],
    }
    write_text(croissant, json.dumps(_croissant(folder, paths, facts), indent=2) + "\n")
    environment = Environment(
        loader=PackageLoader(__package__),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["yaml"] = lambda value: yaml.safe_dump(value, sort_keys=False).rstrip()
    write_text(readme, environment.get_template(TEMPLATE).render(facts))


def _croissant(
    folder: Path, paths: Mapping[str, Sequence[str | Path]], facts: Mapping
) -> dict[str, object]:
    context = json.loads((files(__package__) / "templates" / CONTEXT).read_text(encoding="utf-8"))
    objects = {
        kind: [_file_object(folder, Path(path), kind) for path in held]
        for kind, held in paths.items()
    }
    sets = [_file_set(kind, objects[kind]) for kind in ("parameters", "splits", "renders")]
    frames = {
        "@type": "cr:FileSet",
        "@id": "frames",
        "name": "frames",
        "description": "The frames in the shards.",
        "containedIn": [{"@id": each["@id"]} for each in objects["renders"]],
        "encodingFormat": "image/png",
        "includes": "*.png",
    }
    frame_id = {
        "fileSet": {"@id": "frames"},
        "extract": {"fileProperty": "filename"},
        "transform": {"regex": r"^(\d+)\.png$"},
    }
    frame = {"fileSet": {"@id": "frames"}, "extract": {"fileProperty": "content"}}
    inputs = [
        _column("parameters", name, "sc:Float", meaning)
        for name, meaning in facts["inputs"].items()
    ]
    records = {
        "parameters": [_column("parameters", "id", "sc:Integer", IMAGE), *inputs],
        "splits": [
            _column("splits", "id", "sc:Integer", IMAGE)
            | {"references": {"field": {"@id": "parameters/id"}}},
            _column("splits", "split", "sc:Text", f"One of {', '.join(SPLITS)}."),
        ],
        "renders": [
            _field("renders/id", "sc:Integer", IMAGE, frame_id),
            _field("renders/frame", "sc:ImageObject", "The whole frame, sRGB, 8 bits.", frame),
        ],
    }
    return {
        "@context": context,
        "@type": "sc:Dataset",
        "name": NAME,
        "description": (
            f"{facts['images']} renders of one object with random MaterialX standard_surface "
            "materials, each with its ten inputs: to be recovered from the image."
        ),
        "conformsTo": CONFORMS_TO,
        "license": facts["license_url"],
        "version": facts["version"],
        "creator": facts["creators"],
        "keywords": facts["keywords"],
        "citeAs": facts["cite_as"],
        "distribution": [*(each for held in objects.values() for each in held), *sets, frames],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": name,
                "name": name,
                "description": KINDS[name][1],
                "key": {"@id": f"{name}/id"},
                "field": fields,
            }
            for name, fields in records.items()
        ],
    }


def _file_object(folder: Path, path: Path, kind: str) -> dict[str, str]:
    media_type, what = KINDS[kind]
    place = path.relative_to(folder).as_posix()
    return {
        "@type": "cr:FileObject",
        "@id": place,
        "name": place,
        "description": what,
        "contentUrl": place,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": media_type,
        "sha256": read_seal(path),
    }


def _file_set(kind: str, objects: Iterable[Mapping]) -> dict[str, object]:
    # Each file by its name: a folder may hold ranges of a former, larger data set.
    return {
        "@type": "cr:FileSet",
        "@id": _set_of(kind),
        "name": _set_of(kind),
        "description": KINDS[kind][1],
        "encodingFormat": KINDS[kind][0],
        "includes": [each["@id"] for each in objects],
    }


def _set_of(kind: str) -> str:
    # Its records have the plain name, and no two nodes may share one.
    return f"{kind}_files"


def _column(kind: str, name: str, data_type: str, what: str) -> dict[str, object]:
    source = {"fileSet": {"@id": _set_of(kind)}, "extract": {"column": name}}
    return _field(f"{kind}/{name}", data_type, what, source)


def _field(identifier: str, data_type: str, what: str, source: Mapping) -> dict[str, object]:
    return {
        "@type": "cr:Field",
        "@id": identifier,
        "name": identifier.rpartition("/")[2],
        "description": what,
        "dataType": data_type,
        "source": source,
    }


def _meaning(name: str) -> str:
    if name in MEANINGS:
        return MEANINGS[name]
    return f"{MEANINGS[name[:-2]].removesuffix('.')}: {CHANNELS[name[-2:]]}, linear."


def _published(config: Mapping) -> dict:
    """The configuration without the folders of this machine."""
    stage = dict(config["stage"])
    for key in ("mesh", "environment"):
        stage[key] = PurePath(stage[key]).name
    return {**config, "stage": stage}


def _read_citation(path: str | Path) -> dict[str, object]:
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        creators = [_creator(author) for author in content["authors"]]
        title, version, licence = (str(content[key]) for key in ("title", "version", "license"))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise InputError(
            f"{path}: can't be read as a citation ({error}), expected title, version, license and "
            "authors, as citation-file-format.github.io describes them. Restore the file."
        ) from error
    authors = ", ".join(creator["name"] for creator in creators)
    return {
        "title": title,
        "version": version,
        "license": licence,
        "license_url": f"https://spdx.org/licenses/{licence}.html",
        "creators": creators,
        "keywords": list(content.get("keywords", [])),
        "cite_as": f"{authors}: {title}. Version {version}.",
    }


def _creator(author: Mapping) -> dict[str, str]:
    if "name" in author:
        return {"@type": "sc:Organization", "name": author["name"]}
    return {"@type": "sc:Person", "name": f"{author['given-names']} {author['family-names']}"}
