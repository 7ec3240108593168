import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from didlearn.neighbors.forest import Forest


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=40), st.integers(0, 40))
def test_labels_are_the_smallest_rows_of_the_components(edges, cut):
    forest = Forest(30)
    if edges[:cut]:
        forest.add(*np.array(edges[:cut]).T)
    for i, j in edges[cut:]:
        inside = torch.zeros(15, 15, dtype=torch.bool)
        inside[i % 15, j % 15] = True
        rows, columns = torch.arange(15) + 15 * (i // 15), torch.arange(15) + 15 * (j // 15)
        forest.add_block(inside, rows, columns)
    i, j = np.array(edges, int).reshape(-1, 2).T
    _, label = connected_components(coo_matrix((np.ones(len(i)), (i, j)), shape=(30, 30)), directed=False)
    expected = [int(np.flatnonzero(label == mine)[0]) for mine in label]
    assert forest.finish().tolist() == expected


def test_a_full_block_is_one_component():
    forest = Forest(200)
    forest.add_block(torch.ones(100, 100, dtype=torch.bool), torch.arange(100), torch.arange(100, 200))
    assert set(forest.finish()) == {0}
