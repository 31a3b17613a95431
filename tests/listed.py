"""A source made of a list of targets, for tests of what reads targets."""

from dataclasses import dataclass, field

from PIL import Image

from vlbench.core.contracts import Example, Offers, Target


@dataclass(frozen=True)
class Listed:
    """One black image for every target."""

    targets: tuple[Target, ...]
    offers: Offers = field(default_factory=Offers)
    name: str = "listed"
    revision: str = "1"

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> Example:
        return Example(f"{index}.png", lambda: Image.new("RGB", (8, 8)), self.targets[index])

    def target(self, index: int) -> Target:
        return self.targets[index]

    def fingerprint(self, index: int) -> str:
        return f"listed {index}"
