"""An embedding that is a function given."""

from torch import nn

from didlearn.embeddings.module import ModuleEmbedding


class Apply(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def fixed(function):
    return ModuleEmbedding(Apply(function), "fixed")
