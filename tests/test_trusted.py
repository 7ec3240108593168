import re
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from torch import nn

from didlearn import trusted
from didlearn.errors import ModelError, TrustError, UsageError
from didlearn.trusted import is_factory, is_torchscript, load_factory


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "nets.py"
    path.write_text(
        textwrap.dedent(
            """
            from dataclasses import dataclass
            from pathlib import Path

            import torch
            from neighbour import WIDTH

            Path(__file__).with_name("ran").touch()

            @dataclass
            class Made:
                width: "int" = WIDTH

            class Holder:
                @staticmethod
                def net():
                    return torch.nn.Linear(WIDTH, 1)

            instance = torch.nn.Identity()
            number = 3

            def needs(x):
                return x

            def broken():
                raise RuntimeError("no weights here")
            """
        )
    )
    (tmp_path / "neighbour.py").write_text("WIDTH = 7\n")
    yield path
    sys.modules.pop("neighbour", None)


def test_without_trust_nothing_runs_and_the_flag_is_named(file):
    with pytest.raises(TrustError, match="trust_code=True"):
        load_factory(f"{file}:Made", False)
    assert not file.with_name("ran").exists()


def test_a_file_factory_sees_its_neighbours_and_leaves_the_path_alone(file):
    before = list(sys.path)
    assert load_factory(f"{file}:Made", True).width == 7  # type: ignore[attr-defined]
    assert load_factory(f"{file}:Holder.net", True).in_features == 7  # type: ignore[attr-defined]
    assert sys.path == before


def test_a_ready_module_is_not_called(file):
    assert isinstance(load_factory(f"{file}:instance", True), nn.Identity)


def test_two_files_of_one_name_do_not_take_each_others_place(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "nets.py").write_text(f"class Net:\n    name = {name!r}\n")
    made = [load_factory(f"{tmp_path / name / 'nets.py'}:Net", True) for name in ("a", "b", "a")]
    assert [m.name for m in made] == ["a", "b", "a"]  # type: ignore[attr-defined]
    assert all(type(m).__module__ in sys.modules for m in made)


def test_a_module_in_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "my_didlearn_nets.py").write_text("import torch\n\n\ndef net():\n    return torch.nn.Identity()\n")
    monkeypatch.chdir(tmp_path)
    assert isinstance(load_factory("my_didlearn_nets:net", True), nn.Identity)
    assert isinstance(load_factory("torch.nn:Identity", True), nn.Identity)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("absent", UsageError, "it has .*broken.*needs"),
        ("number", UsageError, "is a int"),
        ("needs", ModelError, "missing 1 required positional argument"),
        ("broken", ModelError, "RuntimeError: no weights here"),
    ],
)
def test_errors_say_what_is_wrong(file, name, error, message):
    with pytest.raises(error, match=message):
        load_factory(f"{file}:{name}", True)


def test_missing_files_and_modules(tmp_path):
    with pytest.raises(UsageError, match="there is no file"):
        load_factory("no/such/file.py:net", False)
    with pytest.raises(UsageError, match="there is no module no_such_module"):
        load_factory("no_such_module.at_all:net", True)
    (tmp_path / "needy.py").write_text("import no_such_dependency\n")
    with pytest.raises(ModelError, match="needs the module no_such_dependency"):
        load_factory(f"{tmp_path / 'needy.py'}:net", True)
    (tmp_path / "wrong.py").write_text("def (:\n")
    with pytest.raises(ModelError, match="SyntaxError"):
        load_factory(f"{tmp_path / 'wrong.py'}:net", True)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [("a/b c/f.py:g", True), ("p.m:f", True), ("p.m:C.f", True), ("digits", False), ("g.pt", False), ("p/m:f", False)],
)
def test_what_reads_as_a_factory(spec, expected):
    assert is_factory(spec) is expected


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_is_told_by_what_is_inside(tmp_path):
    net = nn.Linear(2, 2)
    torch.jit.trace(net, torch.zeros(1, 2)).save(tmp_path / "script.bin")
    torch.save(net.state_dict(), tmp_path / "weights.pt")
    (tmp_path / "text.pt").write_text("no archive")
    assert is_torchscript(tmp_path / "script.bin")
    assert not is_torchscript(tmp_path / "weights.pt")
    assert not is_torchscript(tmp_path / "text.pt")
    assert not is_torchscript(tmp_path / "absent.pt")
    assert not is_torchscript(tmp_path)


def test_what_runs_code_of_a_file_is_called_in_one_place():
    """Whoever adds a loader that may run code must come through here, where trust is asked for."""
    source = Path(trusted.__file__).parent
    calls_of = r"jit\.load|export\.load\(|exec_module|importlib\.import_module|pickle\.load|(?<!\|)\beval\(\w|\bexec\("
    runs = re.compile(calls_of)
    found = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if any(runs.search(line.partition("#")[0]) for line in code_of(path))
    }
    by_name = "images/formats/pictures/kinds.py"  # imports readers of pictures, by names that it writes out itself
    own = "units/parcel.py"  # what this very command has packed for its workers, of what was trusted before
    assert found == {"trusted.py", "exported/archive.py", "embeddings/hub.py", by_name, own}
    assert all("weights_only=True" in line for path in source.rglob("*.py") for line in calls(path, "torch.load("))
    assert all("allow_pickle=False" in line for path in source.rglob("*.py") for line in calls(path, "np.load("))


def code_of(path):
    """The lines of a module without its docstrings."""
    return re.sub(r'"""[\s\S]*?"""', "", path.read_text(encoding="utf-8")).splitlines()


def calls(path, name):
    return [line for line in code_of(path) if name in line]
