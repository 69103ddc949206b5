import subprocess
import sys
from typing import get_args

import numpy as np
import pytest

from embeddings.index import IndexKind, build_index


@pytest.mark.parametrize("kind", get_args(IndexKind))
def test_the_kind_is_chosen_by_name(kind: IndexKind) -> None:
    ones = np.ones((4, 2), np.float32)
    index = build_index(kind, [f"{number:05}" for number in range(4)], ones)
    assert len(index) == 4
    assert index.search(ones[0], 1).kind == kind


def test_types_and_kinds_load_neither_faiss_nor_openvino() -> None:
    program = (
        "import sys, embeddings.arrays, embeddings.index, embeddings.frozen_model\n"
        "assert not {'faiss', 'openvino', 'lance'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
