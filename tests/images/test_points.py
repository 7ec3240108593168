"""Rows of numbers are read as they are from every file, and what is no number is refused with its place."""

import sys

import numpy as np
import pandas as pd
import pytest
import torch

import didlearn as dl
from didlearn.errors import DataError, MissingExtraError, NotFiniteError, UsageError
from didlearn.images.points import Points, check_noise, column_spread, hash_rows, noise_changes
from didlearn.images.split import split_heldout


def rows(count=7, width=3, seed=0):
    return (100 * np.random.default_rng(seed).normal(size=(count, width))).astype(np.float32)


def write(folder, ending, table):
    path = folder / f"x{ending}"
    frame = pd.DataFrame(table, columns=[f"column, {i}" for i in range(table.shape[1])])
    match ending:
        case ".npy":
            np.save(path, table)
        case ".npz":
            np.savez(path, features=table, other=np.zeros(3))
        case ".csv":
            frame.to_csv(path, index=False)
        case ".tsv":
            np.savetxt(path, table, delimiter="\t", fmt="%.9g")  # without names
        case ".parquet":
            frame.to_parquet(path)
    return path


@pytest.mark.parametrize("ending", [".npy", ".npz", ".csv", ".tsv", ".parquet"])
def test_every_file_gives_the_numbers_that_it_holds(tmp_path, ending):
    points = dl.open_points(write(tmp_path, ending, rows()))
    assert isinstance(points, Points)
    assert points.shape == (3, 1, 1)
    assert (points.rows() == rows()).all()
    assert (points.read([4, 1, 1]).flatten(1).numpy() == rows()[[4, 1, 1]]).all()
    assert (points.subset([5, 2]).rows() == rows()[[5, 2]]).all()


@pytest.mark.parametrize("make", [np.asarray, torch.from_numpy, pd.DataFrame, lambda x: x.astype(np.float64)])
def test_what_is_in_memory_too(make):
    points = dl.open_points(make(rows()))
    assert (points.rows() == rows()).all()
    assert dl.open_points(points) is points


def test_a_column_of_lists_is_as_many_columns(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0], "embedding": [np.array([3.0, 4.0]), np.array([5.0, 6.0])]})
    frame.to_parquet(tmp_path / "x.parquet")
    assert dl.open_points(tmp_path / "x.parquet").rows().tolist() == [[1, 3, 4], [2, 5, 6]]


def test_a_key_picks_an_array(tmp_path):
    np.savez(tmp_path / "x.npz", a=rows(), b=rows(seed=1))
    assert (dl.open_points(f"{tmp_path / 'x.npz'}:b").rows() == rows(seed=1)).all()
    with pytest.raises(DataError, match=r"a \(7, 3\), b \(7, 3\).*x.npz:KEY"):
        dl.open_points(tmp_path / "x.npz")
    with pytest.raises(DataError, match="no array 'c'"):
        dl.open_points(f"{tmp_path / 'x.npz'}:c")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (np.zeros((3, 2, 2)), r"points are numbers \(N, D\)"),
        (np.zeros(3), r"points are numbers \(N, D\)"),
        (np.zeros((0, 3)), "at least 1"),
        (np.array([["a", "b"]]), "points are numbers"),
        (np.ones((2, 2), complex), "points are numbers"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(table, words):
    with pytest.raises(DataError, match=words):
        dl.open_points(table)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e39])
def test_the_row_that_is_not_finite_is_named(bad):
    table = rows(70_000, 2).astype(np.float64)
    table[69_999, 1] = bad
    with pytest.raises(NotFiniteError, match="row 69999 "):
        dl.open_points(table)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.csv", "a,b\n1,2\n3,four\n", "four"),
        ("x.csv", "a,b\n1,2\n3,\n", "no table of numbers"),
        ("x.csv", "1,2\n3\n", "no table of numbers"),
        ("x.txt", "1 2\n", "give a .npy, .npz, .csv, .tsv or .parquet"),
        ("x.parquet", "no parquet", "cannot be read as parquet"),
        ("x.npy", "no array", "numpy"),
        ("x.npz", "no archive", "cannot be read"),
    ],
)
def test_files_that_hold_none_are_refused_in_a_sentence(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=words.replace(".", r"\.")):
        dl.open_points(tmp_path / name)


def test_text_in_parquet_names_its_column(tmp_path):
    pd.DataFrame({"a": [1, 2], "city": ["x", "y"]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(DataError, match="'city'"):
        dl.open_points(tmp_path / "x.parquet")


def test_without_pyarrow_it_says_what_would_do(tmp_path, monkeypatch):
    path = write(tmp_path, ".parquet", rows())
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"didlearn\[hub\]"):
        dl.open_points(path)


def test_hashes_tell_rows_apart_by_their_last_bit_and_zeros_not_by_their_sign():
    table = rows(5)
    moved = table.copy()
    moved[2, 1] = np.nextafter(moved[2, 1], np.float32(np.inf))
    one, two = dl.open_points(table), dl.open_points(moved)
    assert np.flatnonzero(one.hashes != two.hashes).tolist() == [2]
    assert (one.hashes == hash_rows(table[:, :, None, None])).all()
    assert (dl.open_points(np.float32([[0.0]])).hashes == dl.open_points(np.float32([[-0.0]])).hashes).all()
    assert (one.subset([3]).hashes == one.hashes[3:4]).all()


def test_a_split_stays_rows():
    train, heldout = split_heldout(dl.open_points(rows(50)), 0)
    assert isinstance(train, Points)
    assert (len(train), len(heldout)) == (40, 10)
    assert (train.hashes == hash_rows(train.rows())).all()


def test_noise_is_of_each_column_s_own_size():
    table = rows(4000, 3) * np.float32([1, 100, 0])
    (change,) = noise_changes(column_spread(table), 0.05).values()
    moved = change(table[:, :, None, None]).reshape(4000, 3) - table
    wanted = 0.05 * table.std(axis=0)
    error = 4 / np.sqrt(2 * 4000)  # of a standard deviation of 4 000 draws, four times
    np.testing.assert_allclose(moved.std(axis=0)[:2], wanted[:2], rtol=error)
    assert (moved[:, 2] == 0).all()
    assert (change(table) == change(table)).all()
    for wrong in (0, 1, -0.1, 5):
        with pytest.raises(UsageError, match="noise"):
            check_noise(wrong)
