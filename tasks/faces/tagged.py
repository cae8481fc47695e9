"""Names for faces by their pictures' tags: read, decided and written inside one write transaction."""

from __future__ import annotations

import numpy as np

from tasks.faces.bind import Candidate, References, bind_by_tag
from tasks.faces.record import Rows


def bind_tagged(rows: Rows, min_cosine: float) -> int:
    """
    Args:
        min_cosine: `FACE_AUTOBIND_MIN_COS`.
    Returns:
        How many faces have a name now.
    """
    candidates = [
        Candidate(**(row | {"embedding": np.asarray(row["embedding"], np.float32)}))
        for row in rows.run("faces/tag_matches")
    ]
    references = References()
    for row in rows.run("faces/references", persons=sorted({one.person_id for one in candidates})):
        references.add(row["person_id"], row["model_version"], np.asarray(row["embedding"], np.float32))
    bound = bind_by_tag(candidates, references, min_cosine)
    if bound:
        rows.run("faces/bind", faces=list(bound), persons=list(bound.values()))
    return len(bound)
