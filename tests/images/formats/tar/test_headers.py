"""Headers of tar archives, sound ones of every dialect and hostile ones."""

import io
import tarfile
import time
import tracemalloc

import pytest

from didlearn.errors import DataError
from didlearn.images.formats.tar.headers import BLOCK, MOST_EXTENDED, is_tar, tar_members

DIALECTS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


@pytest.fixture
def packed(tmp_path):
    """Write {name: bytes} into an archive, or headers as they are given."""

    def pack(files, dialect=tarfile.PAX_FORMAT, **pax):
        with tarfile.open(tmp_path / "x.tar", "w", format=dialect, pax_headers=pax or None) as archive:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return tmp_path / "x.tar"

    return pack


def header(name=b"a.png", size=b"00000000010", kind=b"0", body=b""):
    """A header of 512 bytes with a right checksum, and what follows it padded to blocks."""
    block = bytearray(BLOCK)
    block[: len(name)] = name
    block[124 : 124 + len(size)] = size
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + body + bytes(-len(body) % BLOCK)


def refused(tmp_path, data, said):
    """Read an archive that must be refused at once, with little memory."""
    (tmp_path / "bad.tar").write_bytes(data)
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(DataError, match=said) as caught:
        list(tar_members(tmp_path / "bad.tar"))
    assert time.process_time() - began < 1
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_as_tarfile_reads_it(packed, dialect):
    files = {"a.png": b"x" * 700, f"{'long' * 30}/{'n' * 90}.png": b"y" * 512, "ü/é.png": b"", "c.txt": b"z"}
    path = packed(files, dialect)
    with tarfile.open(path) as archive:
        wanted = [(m.name, m.size, m.offset_data) for m in archive]
    found = list(tar_members(path))
    assert [(m.name, m.size, m.start) for m in found] == wanted
    assert [path.read_bytes()[m.start : m.start + m.size] for m in found] == list(files.values())
    assert is_tar(path)


def test_links_folders_and_devices_have_no_content(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for kind in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            member = tarfile.TarInfo(f"m{kind.decode()}")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        archive.addfile(tarfile.TarInfo("last"))
    found = list(tar_members(tmp_path / "x.tar"))
    assert [m.name for m in found] == ["m5/", "m2", "m1", "m6", "m3", "last"]
    assert [m.is_file for m in found] == [False] * 5 + [True]
    assert [m.is_link for m in found] == [False, True, True, False, False, False]


@pytest.mark.parametrize("kind", [b"1", b"2", b"5"])
def test_the_size_of_what_has_no_content_is_not_gone_over(tmp_path, kind):
    data = header(b"x", b"00000001000", kind) + header(b"y", b"00000000000") + bytes(1024)
    (tmp_path / "x.tar").write_bytes(data)
    assert [(m.name, m.size) for m in tar_members(tmp_path / "x.tar")] == [("x", 0), ("y", 0)]


def test_sizes_in_base_256_and_in_extended_headers(tmp_path):
    body = b"q" * 600
    base = b"\x80" + (600).to_bytes(11, "big")
    extended = header(size=b"%011o" % 12, kind=b"x", body=b"12 size=600\n")
    data = header(b"a", base, body=body) + extended + header(b"b", b"00000000000", body=body)
    (tmp_path / "x.tar").write_bytes(data + bytes(1024))
    assert [(m.name, m.size) for m in tar_members(tmp_path / "x.tar")] == [("a", 600), ("b", 600)]


def test_an_extended_header_counts_for_one_member_and_a_global_one_for_all(packed):
    path = packed({"a": b"1", "b": b"2"}, comment="x")
    assert [m.name for m in tar_members(path)] == ["a", "b"]


HOSTILE = {
    "a long name of gigabytes": (header(kind=b"L", size=b"77777777777"), "more than 65536"),
    "an extended header of gigabytes": (header(kind=b"x", size=b"17777777777"), "more than 65536"),
    "a global one in base 256": (header(kind=b"g", size=b"\x80" + b"\x7f" * 11), "more than 65536"),
    "a member beyond the file": (header(size=b"\x80" + b"\xff" * 11), "the file has 512"),
    "a negative size": (header(size=b"\xff" * 12), "a number that is none"),
    "letters for a size": (header(size=b"9z"), "a number that is none"),
    "an extended size beyond the file": (
        header(size=b"%011o" % 30, kind=b"x", body=b"30 size=9223372036854775807999") + header(),
        "is none",
    ),
    "an extended size of many digits": (
        header(size=b"%011o" % 5007, kind=b"x", body=b"5007 size=" + b"9" * 4996 + b"\n") + header(),
        "a size that is no number",
    ),
    "a record of no length": (header(size=b"%011o" % 9, kind=b"x", body=b"0 path=a\n") + header(), "is none"),
    "a record beyond its header": (header(size=b"%011o" % 9, kind=b"x", body=b"900 p=aa\n") + header(), "is none"),
    "a sparse member": (header(kind=b"S", size=b"00000000000"), "stored sparse"),
    "a sparse member said so beside": (
        header(size=b"%011o" % 22, kind=b"x", body=b"22 GNU.sparse.major=1\n") + header(size=b"00000000000"),
        "stored sparse",
    ),
    "a header that is damaged": (header(size=b"00000000000") + b"x" * BLOCK, "checksum is wrong"),
    "a file that ends in a header": (header(size=b"00000000000") + header()[:100], "ends within"),
    "a member cut short": (header(size=b"00000002000", body=b"x" * 100), "1024 bytes long"),
    "an archive cut between members": (header(size=b"00000000000"), "without the mark of its end"),
    "archives joined": (header(size=b"00000000000") + bytes(1024) + header(), "archives were joined"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_header_ends_in_a_sentence(tmp_path, kind):
    refused(tmp_path, *HOSTILE[kind])


def test_extended_headers_add_up_to_nothing(tmp_path):
    """A key kept from each of many would make every later member dearer."""
    count = 0
    data = b""
    while len(data) < 3_000_000:
        lines = b"".join(b"13 k%06d=v\n" % (count + i) for i in range(MOST_EXTENDED // 13))
        count += MOST_EXTENDED // 13
        data += header(size=b"%011o" % len(lines), kind=b"g", body=lines)
    (tmp_path / "x.tar").write_bytes(data + header(size=b"00000000000") * 2000 + bytes(1024))
    began = time.process_time()
    assert len(list(tar_members(tmp_path / "x.tar"))) == 2000
    assert time.process_time() - began < 3


@pytest.mark.parametrize("data", [b"", b"hello", b"\x1f\x8b" + b"x" * 600, b"x" * 512])
def test_what_is_no_tar(tmp_path, data):
    (tmp_path / "x").write_bytes(data)
    assert not is_tar(tmp_path / "x")
