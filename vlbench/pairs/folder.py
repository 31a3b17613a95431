"""The folder of retrieved pairs: images with a metadata.jsonl, metas by class, and the report."""

import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from tarfile import TarFile, TarInfo
from typing import Literal

from vlbench.core.contracts import Dataset, Example
from vlbench.core.errors import DataError
from vlbench.core.files import passing
from vlbench.core.image import encoded_bytes, part_of
from vlbench.datasets.readers.image_file import SUFFIXES
from vlbench.datasets.readers.jsonl import METADATA
from vlbench.pairs.hits import SIDES, ClassPairs
from vlbench.pairs.pool import PairPool
from vlbench.pairs.report import Report

IMAGES = "images"
METAS = "metas"
REPORT = "report"
PLACES = "pairs.jsonl"
"""Where the images of pairs are, for tools that fetch them."""
PAIRS_A_TAR = 10_000

Form = Literal["jsonl", "webdataset"]
"""How pairs are written: as files with a metadata.jsonl, or in tars."""


def refuse_occupied(folder: Path) -> None:
    """Raise DataError where something lies in a folder that is to be written."""
    if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
        raise DataError(f"{folder} is there already; name another folder with --out, or move it away")


def write_folder(
    folder: Path,
    pool: PairPool,
    classes: tuple[ClassPairs, ...],
    sentences: tuple[str, ...],
    report: Report,
    form: Form = "jsonl",
) -> None:
    """Write the pairs of all classes, all or nothing: images and metadata.jsonl, or webdataset tars.

    An image is called by the place of its pair in the pool. Its classes are its tags. Of a pool whose images
    are not here, `pairs.jsonl` says where they are.

    Raises:
        DataError: something lies there, or an image cannot be read.
    """
    refuse_occupied(folder)
    tags: dict[int, list[str]] = {}
    for each in classes:
        for pair in each.pairs.tolist():
            tags.setdefault(pair, []).append(each.name)
    write = _write_tars if form == "webdataset" else _write_jsonl
    if pool.reads == "nothing":
        write = _write_places
    with passing(folder, folder=True) as (temporary, _):
        (temporary / METAS).mkdir()
        names = {
            pair: f"{pair:09d}{suffix}"
            for pair, suffix in write(temporary, pool.dataset, {pair: tags[pair] for pair in sorted(tags)})
        }
        for found, of_class in zip(classes, report.classes, strict=True):
            said = json.dumps(_metas(found, names, sentences), ensure_ascii=False, indent=1)
            (temporary / METAS / f"{of_class.file}.json").write_text(said + "\n", encoding="utf-8")
        (temporary / f"{REPORT}.json").write_text(report.as_json, encoding="utf-8")
        (temporary / f"{REPORT}.txt").write_text(f"{report}\n", encoding="utf-8")
        temporary.replace(folder)


def _write_jsonl(folder: Path, dataset: Dataset, tags: dict[int, list[str]]) -> Iterator[tuple[int, str]]:
    """Write the images and a line for each; each pair with its image's suffix."""
    (folder / IMAGES).mkdir()
    with (folder / METADATA).open("w", encoding="utf-8") as lines:
        for pair, classes in tags.items():
            data, suffix = _file_of(dataset[pair])
            name = f"{IMAGES}/{pair:09d}{suffix}"
            (folder / name).write_bytes(data)
            lines.write(_said({"file_name": name, **_captions(dataset[pair])}, dataset[pair], classes) + "\n")
            yield pair, suffix


def _write_tars(folder: Path, dataset: Dataset, tags: dict[int, list[str]]) -> Iterator[tuple[int, str]]:
    """Write tars of an image and its JSON for each pair; each pair with its image's suffix."""
    pairs = list(tags)
    for start in range(0, len(pairs), PAIRS_A_TAR):
        with TarFile(folder / f"{start // PAIRS_A_TAR:05d}.tar", "w") as tar:
            for pair in pairs[start : start + PAIRS_A_TAR]:
                data, suffix = _file_of(dataset[pair])
                said = _said(_captions(dataset[pair]), dataset[pair], tags[pair]).encode()
                for name, content in ((f"{pair:09d}{suffix}", data), (f"{pair:09d}.json", said)):
                    member = TarInfo(name)
                    member.size = len(content)
                    tar.addfile(member, BytesIO(content))
                yield pair, suffix


def _write_places(folder: Path, dataset: Dataset, tags: dict[int, list[str]]) -> Iterator[tuple[int, str]]:
    """Write a line for each pair with the URL of its image, or its path elsewhere; no pair has a suffix."""
    with (folder / PLACES).open("w", encoding="utf-8") as lines:
        for pair, classes in tags.items():
            example = dataset[pair]
            key = "url" if "://" in example.id else "image_path"
            said = {key: example.id, "caption": " ".join(example.target.captions)}
            lines.write(_said(said, example, classes) + "\n")
            yield pair, ""


def _captions(example: Example) -> dict[str, object]:
    return {"captions": example.target.captions}


def _said(first: Mapping[str, object], example: Example, classes: list[str]) -> str:
    tags = list(dict.fromkeys(classes))
    said = {**first, "tags": tags, "id": example.id}
    return json.dumps(said, ensure_ascii=False)


def _metas(
    found: ClassPairs, names: dict[int, str], sentences: tuple[str, ...]
) -> dict[str, dict[str, list[dict[str, object]]]]:
    """By the image's file the prompts that found it, with the cosine, as the authors write it."""
    hits = found.hits
    said: dict[str, dict[str, list[dict[str, object]]]] = {}
    rows = zip(
        hits.pair.tolist(), hits.prompt.tolist(), hits.cosine.tolist(), hits.side.tolist(), strict=True
    )
    for pair, prompt, cosine, side in rows:
        hit = {"query": sentences[prompt], "dist": cosine, "by": SIDES[side]}
        said.setdefault(names[pair], {"search_meta": []})["search_meta"].append(hit)
    return said


def _file_of(example: Example) -> tuple[bytes, str]:
    """The bytes of an image's file and its suffix: as they are, but a PNG of a rendered one, or of a part."""
    image = example.image()
    data = encoded_bytes(image)
    if data is not None and example.box is None:
        # Pillow calls a JPEG with more pictures behind the first MPO
        return data, SUFFIXES.get(image.format or "", SUFFIXES["JPEG"])[-1]
    buffer = BytesIO()
    part_of(image, example.box).save(buffer, "PNG")
    return buffer.getvalue(), ".png"
