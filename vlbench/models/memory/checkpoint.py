"""A model object as a checkpoint, with keys that no other object shares."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from vlbench.core.capabilities import PAIRS, TOKENS, VECTORS
from vlbench.core.contracts import Identity, Placement, PreprocessMode
from vlbench.core.digest import digest_of
from vlbench.models.memory.held import HeldModel
from vlbench.models.memory.model import dual_encoder
from vlbench.models.memory.state import as_it_was, digest_of_weights
from vlbench.models.shared.dual_encoder import DualEncoder


@dataclass(frozen=True, slots=True)
class MemoryCheckpoint:
    """A model object, a Checkpoint of core/contracts.

    All keys of its features contain `nonce`, so stored features are never reused after its weights,
    preprocessing or tokenizer change.
    """

    held: HeldModel
    nonce: str = field(default_factory=lambda: uuid4().hex)
    adapter: str = "memory"
    preprocess_mode: PreprocessMode = "exact"

    @property
    def name(self) -> str:
        return self.held.name

    @property
    def capabilities(self) -> frozenset[str]:
        """Vectors and pairs, and tokens where its tokenizer counts them."""
        return frozenset({PAIRS, VECTORS, TOKENS} if self.held.counts_tokens else {PAIRS, VECTORS})

    def identify(self) -> Identity:
        """Keys that only this object has; a result records the digest of its weights."""
        weights = digest_of_weights(self.held.modules())
        own = {"weights": weights, "nonce": self.nonce}
        return Identity(
            image=digest_of({"side": "image", **own}),
            text=digest_of({"side": "text", **own}),
            whole=digest_of(own),
            weights={"memory": weights} if weights else {},
            origin="memory",
        )

    def load(self, placement: Placement) -> DualEncoder:
        """Load the model on the device that it is on.

        Raises:
            Unsupported: its outputs are not features, or a package that it needs is missing.
            WeightsError: its logit_scale is the factor itself instead of its logarithm.
        """
        return dual_encoder(self.held, placement)


@contextmanager
def as_checkpoint(held: HeldModel) -> Iterator[MemoryCheckpoint]:
    """Use a model object as a checkpoint; it is in evaluation mode until it is left as it was."""
    with as_it_was(held.modules()):
        yield MemoryCheckpoint(held)
