"""Names for faces by their pictures' tags: read, decided and written inside one write transaction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.faces.bind import Candidate, References, bind_by_tag
from tasks.faces.record import Rows, same_name


def bind_tagged(rows: Rows, min_cosine: float, names: Sequence[str] | None = None) -> int:
    """
    Args:
        min_cosine: `FACE_AUTOBIND_MIN_COS`.
        names: Only faces of people who are called so (now or once); None for everybody. Where nobody is, this costs
            one small query.
    Returns:
        How many faces got a name.
    """
    persons = None if names is None else _called(rows, names)
    if persons == []:
        return 0
    candidates = [
        Candidate(**(row | {"embedding": np.asarray(row["embedding"], np.float32)}))
        for row in rows.run("faces/tag_matches", persons=persons)
    ]
    references = References()
    for row in rows.run("faces/references", persons=sorted({one.person_id for one in candidates})):
        references.add(row["person_id"], row["model_version"], np.asarray(row["embedding"], np.float32))
    binding = bind_by_tag(candidates, references, min_cosine)
    if binding.unbound:
        rows.run("faces/unbind", faces=binding.unbound)
    if binding.bound:
        rows.run("faces/bind", faces=list(binding.bound), persons=list(binding.bound.values()))
    return len(binding.bound)


def _called(rows: Rows, names: Sequence[str]) -> list[int]:
    keys = sorted({same_name(name) for name in names})
    return [int(row["person_id"]) for row in rows.run("faces/persons_called", keys=keys)]
