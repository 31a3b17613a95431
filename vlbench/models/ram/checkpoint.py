"""RAM++, RAM and Tag2Text by name: what cards state about them, their files and digests. Imports no torch.

Zhang et al. 2023 (RAM), Huang et al. 2023 (RAM++; Tag2Text).
"""

from dataclasses import KW_ONLY, asdict, dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from vlbench.core.capabilities import CAPTIONS, NAMES_ALONE, TOKENS, VECTORS
from vlbench.core.code_digest import digest_of_code
from vlbench.core.contracts import Checkpoint, Identity, Placement
from vlbench.core.digest import digest_of
from vlbench.core.errors import CardError, Unsupported, WeightsError
from vlbench.core.files import remembered_sha256
from vlbench.models.clip.architectures import from_files
from vlbench.models.ram.sizes import SWIN_B, SWIN_L, CaptionSize, TaggerSize
from vlbench.models.ram.tag_lists import RAM_TEMPLATES, read_tags, read_thresholds
from vlbench.models.shared.named import NamedCheckpoint, beside_card, identify_base, open_base
from vlbench.models.shared.recipe import Recipe

if TYPE_CHECKING:
    from vlbench.models.ram.model import TaggerModel

PREPROCESSING = {
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
    "interpolation": "bilinear",
    "resize_mode": "squash",
}
"""ImageNet's statistics, and a resize that does not keep the aspect ratio (recognize-anything,
ram/transform.py)."""

PACKAGED_WEIGHTS = "model.safetensors"
"""The name of the weights file in a card's `directory`."""

_IMAGES = "vlbench.models.ram.images"
_TEXTS = "vlbench.models.ram.texts"
_SCORES = "vlbench.models.ram.model"
"""The root modules for the tokens of an image, the features of a tag, and the score of both."""

Vocabulary = Literal["closed", "open"]


@dataclass(frozen=True)  # no slots: cached_property
class TaggerCheckpoint(NamedCheckpoint):
    """A card's tagger: a file from a hub repository, from a folder next to the card, or the user's own.

    Its keyword-only fields are the settings of a card. A closed vocabulary is the list `tags` next to the
    card; positions in it are ids of the vocabulary `ids`. `threshold` is the probability above which a tag is
    predicted; None means the list's own thresholds. `ignorable` are patterns for keys that the network does
    not have.

    Raises:
        CardError: settings are missing or contradict one another.
    """

    adapter: ClassVar[str]

    _: KW_ONLY
    vocabulary: Vocabulary = "closed"
    network: TaggerSize = SWIN_L
    tags: str | None = None
    ids: str = "ram"
    threshold: float | None = None
    repository: str | None = None
    file: str | None = None
    sha256: str | None = None
    directory: str | None = None
    ignorable: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        name = self.origin.name
        self.network.check(name)
        if self.directory is not None and (self.repository, self.file) != (None, None):
            raise CardError(f"{name}: settings want either repository and file, or directory")
        if (self.repository is None) != (self.file is None):
            raise CardError(f"{name}: settings want repository and file together; correct the card")
        if self.vocabulary == "closed" and self.tags is None:
            raise CardError(f"{name}: a closed vocabulary wants `tags`, the model's list beside the card")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise CardError(f"{name}: threshold {self.threshold} is no probability; give 0 to 1")

    @property
    def weights(self) -> Path:
        return self.recipe.weights

    @cached_property
    def recipe(self) -> Recipe:
        """The weights and how images become pixels; may download the file.

        Raises:
            WeightsError: neither the card nor the user names a file, or it cannot be downloaded.
        """
        origin, packaged = self.origin, False
        if origin.weights is None and self.directory is not None:
            folder = beside_card(origin, self.directory, "directory")
            origin, packaged = replace(origin, weights=folder / PACKAGED_WEIGHTS), True
        if origin.weights is None and self.repository is None:
            raise WeightsError(
                f"{origin.name}: no hub repository has its file; fetch it as `vlbench show {origin.name}` "
                "says and pass it as --weights FILE"
            )
        found = from_files(
            origin,
            config={"vision_cfg": {"image_size": self.network.image_size}},
            facts=PREPROCESSING,
            repository=self.repository or "",
            file=self.file or "",
            sha256=self.sha256,
        )
        return replace(found, origin=f"folder:{PACKAGED_WEIGHTS}") if packaged else found

    @property
    def text_base(self) -> Checkpoint | None:
        """The model whose text tower reads tags of an open vocabulary; None for a closed one."""
        return None

    def identify(self) -> Identity:
        """Digests of both sides. Both vocabularies have the same image side; each has its own text side."""
        cache, base = self.origin.cache, None
        if self.text_base is not None:
            base = identify_base(self.origin, self.text_base, what="text model", own="the tagger")
        both = {"family": self.adapter, "weights": self.weights_sha256, "torch": version("torch")}
        image = digest_of(
            {
                **both,
                "network": self.network.image_side,
                "preprocessing": asdict(self.recipe.preprocessing),
                "mode": self.origin.preprocess,
                "pillow": version("pillow"),
                "torchvision": version("torchvision"),
                "timm": version("timm"),
                "code": digest_of_code(_IMAGES, cache=cache),
            }
        )
        text = digest_of(
            {
                **both,
                "vocabulary": self.vocabulary,
                "base": base.text if base else remembered_sha256(self.tag_file, cache),
                "templates": RAM_TEMPLATES.read_text(encoding="utf-8") if base else None,
                "ids": self.ids,
                "sizes": [self.network.hidden, self.network.descriptions],
                "code": digest_of_code(_TEXTS, cache=cache),
            }
        )
        whole = {
            "image": image,
            "text": text,
            "vocabulary": self.vocabulary,
            "network": asdict(self.network),
            "threshold": self.threshold,
            "ignorable": self.ignorable,
            "code": digest_of_code(_SCORES, cache=cache),
        }
        return Identity(
            image=image,
            text=text,
            whole=digest_of(whole),
            weights={**(base.weights if base else {}), self.weights.name: self.weights_sha256},
            origin=" + ".join(part.origin for part in (self.recipe, base) if part),
        )

    def load(self, placement: Placement) -> "TaggerModel":
        """The model on a device, its parameters in float32.

        Raises:
            WeightsError: the file cannot be read, or does not fit.
            CardError: the tag list is wrong.
            Unsupported: the device or precision is not available, or the text model has no tower that fits.
        """
        from vlbench.models.ram import model, network, texts
        from vlbench.models.shared.precision import check_placement

        check_placement(placement)
        base = self.text_base
        tags = () if base else read_tags(self.tag_file, self.ids)
        count = None if base else len(tags)
        filled = network.read_tagger(
            self.adapter, self.network, self.weights, tags=count, ignorable=self.ignorable
        )
        changes = filled.changes
        found: texts.ListedTags | texts.ReadTags
        if base is None:
            own = self.threshold
            assert filled.bank is not None
            stated = read_thresholds(self.tag_file) if own is None else (own,) * len(tags)
            found = texts.ListedTags(self.name, tags, self.ids, stated, filled.bank, placement.device)
        else:
            loaded = base.load(placement)
            found = texts.read_by(loaded, filled.network, name=self.name, threshold=self.threshold)
            changes += tuple(f"text model {base.name}: {each}" for each in loaded.info.changes)
        return model.tagger_model(
            filled.network,
            self.recipe,
            found,
            name=self.name,
            placement=placement,
            preprocess=self.origin.preprocess,
            changes=changes,
        )

    @property
    def tag_file(self) -> Path:
        """The file with the tags of a closed vocabulary."""
        path = beside_card(self.origin, self.tags or "", "tags")
        if not path.is_file():
            raise CardError(f"{self.origin.name}: {path}: no such file; `tags` lies beside the card")
        return path


@dataclass(frozen=True, kw_only=True)
class RamCheckpoint(TaggerCheckpoint):
    """RAM as a card's model: a file from a hub repository, from a folder next to the card, or the user's own.

    `text_model` is the CLIP that reads tags of an open vocabulary; `text_weights` is the user's own file for
    it.
    """

    adapter: ClassVar[str] = "ram"

    text_model: str | None = None
    text_weights: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.vocabulary == "open" and self.text_model is None:
            raise CardError(
                f"{self.origin.name}: an open vocabulary wants `text_model`, the CLIP that reads the tags"
            )

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({VECTORS, TOKENS if self.vocabulary == "open" else NAMES_ALONE})

    @cached_property
    def text_base(self) -> Checkpoint | None:
        """As for every tagger. For errors see open_base."""
        if self.vocabulary == "closed" or self.text_model is None:
            return None
        own = self.text_weights
        weights = None if own is None else beside_card(self.origin, own, "text_weights")
        return open_base(self.origin, self.text_model, weights, what="text model")


@dataclass(frozen=True, kw_only=True)
class RamPlusCheckpoint(RamCheckpoint):
    """RAM++ as a card's model: a file from a hub repository, a folder next to the card, or the user's own."""

    adapter: ClassVar[str] = "ram_plus"


@dataclass(frozen=True, kw_only=True)
class Tag2TextCheckpoint(TaggerCheckpoint):
    """Tag2Text as a card's model: a file from a hub repository, a folder next to the card, or the user's own.

    `captions` are the sizes of the captioning half, which is read when captions are asked for; None if the
    file has none, or it is not wanted. `word_pieces` is the vocabulary next to the card; None means the
    authors'.

    Raises:
        Unsupported: the card states an open vocabulary.
    """

    adapter: ClassVar[str] = "tag2text"

    network: TaggerSize = SWIN_B
    ids: str = "tag2text"
    captions: CaptionSize | None = None
    word_pieces: str | None = None

    def __post_init__(self) -> None:
        name = self.origin.name
        if self.vocabulary == "open":
            raise Unsupported(
                f"{name}: Tag2Text knows the tags of its list alone; for other names take ram-plus-open"
            )
        super().__post_init__()
        if self.captions is not None:
            self.captions.check(name, self.network.hidden)
        elif self.word_pieces is not None:
            raise CardError(f"{name}: word_pieces are of captions; state their sizes as `captions`")

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({NAMES_ALONE} if self.captions is None else {NAMES_ALONE, CAPTIONS})

    def load(self, placement: Placement) -> "TaggerModel":
        """The model on a device, as for every tagger. The captioning half is loaded when it is asked for."""
        model = super().load(placement)
        if self.captions is None:
            return model
        from vlbench.models.ram.captions import with_captions

        own = self.word_pieces
        pieces = None if own is None else beside_card(self.origin, own, "word_pieces")
        return with_captions(model, self.captions, pieces, self.weights)
