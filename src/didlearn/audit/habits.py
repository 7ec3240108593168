"""What people call things elsewhere, and what they are called here: for refusals that direct."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# What other programs call an option of an audit (fid-style scripts, trainers, loaders), by ours.
_ELSEWHERE = {
    "generator": "gen generated fake fakes fake_dir sample_dir model network network_pkl ckpt checkpoint path2 g",
    "train": "real reals real_dir data dataset data_dir reference ref train_data training path1 input1 x",
    "heldout": "test val valid validation held_out test_data holdout",
    "train_statistics": "stats stats_path statistics ref_stats reference_statistics ref_path fid_stats",
    "outside": "ood other",
    "checks": "metrics metric check tests",
    "output": "out outdir out_dir output_dir save save_dir result results logdir",
    "device": "gpu gpus cuda use_cuda",
    "threads": "num_workers workers nproc jobs n_jobs cpus num_threads",
    "batch_size": "batch bs batchsize",
    "size": "resolution image_size img_size res resize",
    "crop": "center_crop centre_crop crop_size",
    "channels": "c nc gray grayscale",
    "seed": "random_seed random_state seeds",
    "embedding": "features feature_extractor extractor feature backbone embed",
    "latent_shape": "latent latent_dim z_dim nz zdim latents dim_z",
    "classes": "num_classes n_classes nclass class_num",
    "architecture": "arch network_class model_class class cfg",
    "architecture_arguments": "model_args model_kwargs kwargs",
    "code_path": "repo repository clone",
    "trust_code": "trust trust_remote_code unsafe",
    "value_range": "range output_range",
    "weights": "weight weights_path",
    "skip_broken": "skip_errors ignore_errors skip",
    "samples": "num_samples n_samples num num_images n num_fake num_gen count",
    "quiet": "silent verbose",
    "level": "confidence alpha",
}
_OURS = {theirs: ours for ours, names in _ELSEWHERE.items() for theirs in names.split()}


def likely(name: str, valid: Iterable[str]) -> str | None:
    """Return which of the ``valid`` names is meant by one that is none, as far as can be told.

    Args:
        name: as a keyword is written: no dashes before it, underscores within.
    """
    known = list(valid)
    ours = _OURS.get(name.lower())
    if ours in known:
        return ours
    begun = [other for other in known if len(name) > 2 and other.startswith(name)]
    return next(iter(begun or difflib.get_close_matches(name, known, n=1)), None)
