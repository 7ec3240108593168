"""Logs of the real tools, offline, read back by the tools themselves."""

import json
import struct
import sys

import pytest

from didlearn.monitoring.trackers import to_mlflow, to_tensorboard, to_wandb

NUMBERS = {"support/failed": 1.0, "fidelity/class_share_ä b(c)": 0.25, "fidelity/precision/low": 1e-30}
STEPS = {100: NUMBERS, 200: NUMBERS | {"support/failed": 0.0}}


def test_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path)) as writer:
        track = to_tensorboard(writer)
        for step, numbers in STEPS.items():
            track(numbers, step)
    read = EventAccumulator(str(tmp_path)).Reload()
    for name in NUMBERS:
        found = {event.step: event.value for event in read.Scalars(f"didlearn/{name}")}
        assert found == pytest.approx({step: numbers[name] for step, numbers in STEPS.items()}, rel=1e-6)


def history_rows(content):
    """Yield what was logged, from an offline run's file: records in LevelDB's log format after a header of 7 bytes."""
    from wandb.proto import wandb_internal_pb2

    at, data = 7, b""
    while at + 7 <= len(content):
        if 32_768 - at % 32_768 < 7:  # no record begins at the very end of a block
            at += 32_768 - at % 32_768
            continue
        length, kind = struct.unpack_from("<HB", content, at + 4)
        data += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or its last part
            record = wandb_internal_pb2.Record()  # type: ignore[attr-defined]
            record.ParseFromString(data)
            data = b""
            if record.WhichOneof("record_type") == "history":
                yield {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in record.history.item}


@pytest.mark.filterwarnings("ignore")  # its own
def test_wandb(tmp_path, monkeypatch):
    import wandb

    monkeypatch.setenv("WANDB_SILENT", "true")
    run = wandb.init(mode="offline", dir=str(tmp_path), project="didlearn", settings=wandb.Settings(console="off"))
    track = to_wandb(run)
    run.log({"loss": 1.0}, step=10_000)  # the training's own logging is ahead
    for step, numbers in STEPS.items():
        track(numbers, step)
    run.finish()
    wandb.teardown()  # its own process has written everything then
    (file,) = tmp_path.rglob("*.wandb")
    rows = list(history_rows(file.read_bytes()))
    told = {row["didlearn/step"]: row for row in rows if "didlearn/step" in row}
    assert sorted(told) == [100, 200]
    for step, numbers in STEPS.items():
        assert {name: told[step][f"didlearn/{name}"] for name in numbers} == numbers


@pytest.mark.filterwarnings("ignore")  # its own
def test_mlflow(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    import mlflow

    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    with mlflow.start_run() as run:
        track = to_mlflow()
        for step, numbers in STEPS.items():
            track(numbers, step)
    client = mlflow.MlflowClient()
    logged = {"support/failed": [1.0, 0.0], "fidelity/class_share_ä b_c_": [0.25, 0.25]}
    for name, known in logged.items():
        found = [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, f"didlearn/{name}")]
        assert found == list(zip(STEPS, known, strict=True))
    to_mlflow(run.info.run_id)({"support/failed": 1.0}, 300)
    assert client.get_metric_history(run.info.run_id, "didlearn/support/failed")[-1].step == 300


def test_none_of_them_is_needed(monkeypatch):
    for name in ("wandb", "mlflow", "tensorboard", "lightning", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    from didlearn.errors import MissingExtraError
    from didlearn.monitoring.lightning import lightning_callback

    with pytest.raises(MissingExtraError, match="pip install lightning"):
        lightning_callback(None)
