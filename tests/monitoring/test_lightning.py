"""Ten steps of Lightning: the numbers are in its logger at its own steps, and it goes on training."""

import csv

import pytest
import torch
from torch import nn

import didlearn as dl
from didlearn.monitoring.lightning import lightning_callback
from tests.monitoring.test_monitor import HELDOUT, QUICK, TRAIN, Generator


@pytest.mark.filterwarnings("ignore")  # its own
def test_ten_steps(tmp_path):
    import pytorch_lightning as lightning
    from pytorch_lightning.loggers import CSVLogger

    class Trained(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.generator = Generator()
            self.critic = nn.Linear(64, 1)

        def training_step(self, batch, index):
            return self.generator(batch[0]).square().mean()

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), 1e-2)

    monitor = dl.Monitor(TRAIN, HELDOUT, QUICK, every=5, threads=1)
    module = Trained()
    trainer = lightning.Trainer(
        max_steps=10, accelerator="cpu", default_root_dir=tmp_path, logger=CSVLogger(tmp_path), log_every_n_steps=1,
        callbacks=[lightning_callback(monitor, lambda module: module.generator)], enable_progress_bar=False,
        enable_checkpointing=False, enable_model_summary=False,
    )  # fmt: skip
    data = torch.utils.data.TensorDataset(torch.randn(320, 6, generator=torch.Generator().manual_seed(0)))
    trainer.fit(module, torch.utils.data.DataLoader(data, batch_size=32))
    assert trainer.global_step == 10
    (file,) = tmp_path.rglob("metrics.csv")
    with file.open() as opened:
        rows = [row for row in csv.DictReader(opened) if row.get("didlearn/fidelity/precision")]
    assert [int(row["step"]) for row in rows] == [5, 10]
    assert float(rows[1]["didlearn/fidelity/precision"]) == monitor.numbers["fidelity/precision"]
    assert module.generator.training
