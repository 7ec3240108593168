"""Files made wrong, each by a number: bytes of any format, and values of JSON."""

import copy
import io
import json
import pickletools
import zipfile

import numpy as np

_EDGES = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF]
_VALUES = [
    None, True, 0, -1, 1, 2**31, 2**63, 2**70, -(2**63), 1e308, -0.0, 1e-320, float("nan"), float("inf"), "", "x",
    "\x1b[2J", "\ud800", "../../x", "/etc/passwd", "9" * 400, [], {}, [[]], [None], {"": None}, [0] * 50,
    "torch.ops.aten.zeros.default",
]  # fmt: skip


def mutated(data, rng):
    """Change a few places of some bytes: flipped, cut, repeated, swapped, or replaced by numbers at the edge."""
    data = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        if not data:
            break
        at, length = int(rng.integers(len(data))), int(2 ** rng.integers(0, 7))
        match int(rng.integers(7)):
            case 0:
                data[at] ^= 1 << int(rng.integers(8))
            case 1:
                del data[at:]
            case 2:
                data[at : at + length] = bytes(length)
            case 3:
                data[at:at] = data[at : at + length]
            case 4:
                width = int(rng.choice([1, 2, 4, 8]))
                order = "big" if rng.integers(2) else "little"
                edge = _EDGES[int(rng.integers(len(_EDGES)))] & (256**width - 1)
                data[at : at + width] = edge.to_bytes(width, order)
            case 5:
                data[at : at + length] = rng.bytes(length)
            case 6:
                del data[at : at + length]
    return bytes(data)


def mutated_json(data, rng):
    """Change a few values of a JSON text, and now and then its bytes."""
    if rng.integers(8) == 0:
        return mutated(data, rng)
    content = [json.loads(data)]
    for _ in range(int(rng.integers(1, 4))):
        holder, key = content, 0
        while isinstance(holder[key], dict | list) and holder[key] and rng.integers(12):
            holder = holder[key]
            keys = list(holder) if isinstance(holder, dict) else range(len(holder))
            key = keys[int(rng.integers(len(keys)))]
        if isinstance(holder, dict) and rng.integers(6) == 0:
            del holder[key]
        elif isinstance(holder, list) and holder is not content and rng.integers(4) == 0:
            holder.insert(key, copy.deepcopy(holder[key]))
        else:
            holder[key] = copy.deepcopy(_VALUES[int(rng.integers(len(_VALUES)))])
    return json.dumps(content[0]).encode("utf-8", "surrogatepass")


def mutated_zip(data, rng):
    """Change one member of an archive, packed again with a right checksum, and now and then the archive itself."""
    if rng.integers(4) == 0:
        return mutated(data, rng)
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        chosen = int(rng.integers(len(old.infolist())))
        big = max(range(len(old.infolist())), key=lambda i: old.infolist()[i].filename.endswith("models/model.json"))
        chosen = big if rng.integers(2) else chosen
        for i, member in enumerate(old.infolist()):
            content = old.read(member)
            if i == chosen:
                content = (mutated_json if member.filename.endswith(".json") else mutated)(content, rng)
            new.writestr(member.filename, content, member.compress_type)
    return buffer.getvalue()


def mutated_tar(data, rng):
    """Change an archive, and mostly set the checksum of each header right again."""
    found = bytearray(mutated(data, rng))
    for at in range(0, len(found) - 511, 512) if rng.integers(4) else ():
        if found[at + 257 : at + 262] == b"ustar":
            found[at + 148 : at + 156] = b" " * 8
            found[at + 148 : at + 156] = b"%06o\0 " % sum(found[at : at + 512])
    return bytes(found)


def mutated_pickle(data, rng):
    """Change a pickle around its long stretch of pixels, or an instruction for another."""
    if rng.integers(4) == 0:
        return mutated(data, rng)
    longest = max(pickletools.genops(data), key=lambda op: len(op[1]) if isinstance(op[1], str | bytes) else 0)
    at = longest[2] + 16
    head, middle, tail = data[:at], data[at:-64], data[-64:]
    if rng.integers(2) == 0:
        head = mutated(head, rng)
    elif rng.integers(2):
        ops = [op.code.encode("latin-1") for op in pickletools.opcodes]
        place = int(rng.integers(len(head)))
        head = head[:place] + ops[int(rng.integers(len(ops)))] + head[place + int(rng.integers(2)) :]
    else:
        tail = mutated(tail, rng)
    return head + middle + tail


def numbered(name, number):
    """Return the random numbers of one file."""
    return np.random.default_rng([*name.encode(), number])
