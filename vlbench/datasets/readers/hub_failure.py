"""What the hub's client raises, and the one line a user reads of it."""

from textwrap import shorten

from vlbench.core.errors import CardError, SourceMissing

REASON_LENGTH = 100
"""How many characters of a library's own message are kept."""


def fetch_failures() -> tuple[type[Exception], ...]:
    """What fetching may raise: the hub's error and its HTTP client's own, whichever is installed."""
    from huggingface_hub.errors import HfHubHTTPError

    bases = [base for base in HfHubHTTPError.__bases__ if issubclass(base, Exception)]
    return (OSError, HfHubHTTPError, *bases)


def not_fetched(repo: str, revision: str | None, error: BaseException) -> SourceMissing:
    """The error for a data set that is not here, and that could not be fetched."""
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled

    at = "" if revision is None else f"@{revision}"
    if isinstance(error, GatedRepoError):
        return SourceMissing(
            f"{repo}{at} is not in the hub's cache, and it is gated",
            f"ask for it at {constants.ENDPOINT}/datasets/{repo}, then `hf auth login`, "
            "or put the data under --data-root",
        )
    why = f"fetching it failed ({type(error).__name__}: {reason(error)})"
    if isinstance(error, OfflineModeIsEnabled):
        why = "the network is not asked"
    return SourceMissing(
        f"{repo}{at} is not in the hub's cache, and {why}",
        "connect to the hub (HF_HUB_OFFLINE unset; `hf auth login` and its terms where it is gated), "
        "or put the data under --data-root",
    )


def no_repository(repo: str, error: BaseException) -> CardError:
    """The error for a name that no repository can have."""
    return CardError(f"source hub: {repo!r} is no name of a repository ({reason(error)})")


def reason(error: BaseException) -> str:
    """A library's message as one short line."""
    return shorten(str(error), REASON_LENGTH, placeholder=" ...")
