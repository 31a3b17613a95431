"""The folder of retrieved pairs: images with a metadata.jsonl, metas by class, and the report."""

import json
from io import BytesIO
from pathlib import Path

from vlbench.core.contracts import Dataset, Example
from vlbench.core.errors import DataError
from vlbench.core.files import passing
from vlbench.core.image import encoded_bytes, part_of
from vlbench.datasets.readers.image_file import SUFFIXES
from vlbench.datasets.readers.jsonl import METADATA
from vlbench.pairs.hits import SIDES, ClassPairs
from vlbench.pairs.report import Report

IMAGES = "images"
METAS = "metas"
REPORT = "report"


def refuse_occupied(folder: Path) -> None:
    """Raise DataError where something lies in a folder that is to be written."""
    if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
        raise DataError(f"{folder} is there already; name another folder with --out, or move it away")


def write_folder(
    folder: Path,
    dataset: Dataset,
    classes: tuple[ClassPairs, ...],
    sentences: tuple[str, ...],
    report: Report,
) -> None:
    """Write the pairs of all classes, all or nothing.

    An image is called by the place of its pair in the pool. Its classes are its tags in metadata.jsonl.

    Raises:
        DataError: something lies there, or an image does not decode.
    """
    refuse_occupied(folder)
    with passing(folder, folder=True) as (temporary, _):
        (temporary / IMAGES).mkdir()
        (temporary / METAS).mkdir()
        tags: dict[int, list[str]] = {}
        for each in classes:
            for pair in each.pairs.tolist():
                tags.setdefault(pair, []).append(each.name)
        names: dict[int, str] = {}
        with (temporary / METADATA).open("w", encoding="utf-8") as lines:
            for pair in sorted(tags):
                example = dataset[pair]
                data, suffix = _file_of(example)
                names[pair] = f"{pair:09d}{suffix}"
                (temporary / IMAGES / names[pair]).write_bytes(data)
                line = {
                    "file_name": f"{IMAGES}/{names[pair]}",
                    "captions": list(example.target.captions),
                    "tags": list(dict.fromkeys(tags[pair])),
                    "id": example.id,
                }
                lines.write(json.dumps(line, ensure_ascii=False) + "\n")
        for found, of_class in zip(classes, report.classes, strict=True):
            said = json.dumps(_metas(found, names, sentences), ensure_ascii=False, indent=1)
            (temporary / METAS / f"{of_class.file}.json").write_text(said + "\n", encoding="utf-8")
        (temporary / f"{REPORT}.json").write_text(report.as_json, encoding="utf-8")
        (temporary / f"{REPORT}.txt").write_text(f"{report}\n", encoding="utf-8")
        temporary.replace(folder)


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
