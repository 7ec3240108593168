"""Programs that ``torch.export`` saved, read and run without running code of the file."""
