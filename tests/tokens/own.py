"""The hostile tokens once more, as this service itself would have made them: for its HTTP interface."""

from importlib.util import find_spec, module_from_spec
from typing import NamedTuple
from unittest.mock import patch

from app.tokens import OWN_ISSUER

from . import issuer


class Pair(NamedTuple):
    """A token that is refused, and its twin that differs in what `name` says."""

    name: str
    refused: str
    twin: str
    is_good: bool
    """Whether the twin is a token of this service; else only another issuer could have made it."""


UNSENDABLE = {
    "space before": "the space is the header's",
    "line end after": "it ends the header",
    "lone surrogate": "it has no bytes",
    "NUL": "no header has one",
}
"""Those that no request can show, and why."""

ONLY_OF_ISSUERS = ("exp over", "sub ")
"""What such names begin with: this service's tokens end on time, and are of users with a number."""


def own_table(user_id: int, secret: str) -> list[Pair]:
    """The table of `hostile`, but for what only issuers are asked: made with this secret, of this user."""
    spec = find_spec("tokens.hostile")
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    with (
        patch.multiple(issuer, ISSUER=OWN_ISSUER, SECRET=secret),
        patch.dict(issuer.GOOD_CLAIMS, iss=OWN_ISSUER, sub=str(user_id)),
        patch.dict(issuer.PRIVATE, HS256=secret.encode()),
    ):
        spec.loader.exec_module(made)  # another one: the tokens of the first are an issuer's
        return [
            Pair(name, refused, twin, not name.startswith(ONLY_OF_ISSUERS))
            for name, policy, refused, twin in made.table()
            if policy == made.POLICY and name not in UNSENDABLE
        ]
