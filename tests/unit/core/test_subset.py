from dataclasses import dataclass

from vlbench.core.contracts import Example, Offers, Source, Target
from vlbench.core.subset import Subset

OFFERS = Offers(templates=("the letter {}",))


@dataclass(frozen=True)
class Letters:
    name: str = "letters"
    revision: str = "7"
    offers: Offers = OFFERS

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Example:
        return Example("abcd"[index], lambda: None, self.target(index))

    def target(self, index: int) -> Target:
        return Target(label="abcd"[index].upper())

    def fingerprint(self, index: int) -> str:
        return f"f{index}"


def test_a_subset_answers_as_its_source_does_at_its_indices():
    part: Source = Subset(Letters(), (3, 0, 0))
    assert len(part) == 3
    assert [part[i].id for i in range(3)] == ["d", "a", "a"]
    assert [part.target(i).label for i in range(3)] == ["D", "A", "A"]
    assert [part.fingerprint(i) for i in range(3)] == ["f3", "f0", "f0"]
    assert (part.name, part.revision, part.offers) == ("letters", "7", OFFERS)


def test_a_subset_of_a_subset_counts_within_it():
    assert Subset(Subset(Letters(), (3, 2, 1)), (2, 0))[0].id == "b"
