import pytest

from didlearn.errors import UsageError
from didlearn.readiness.devices import check_device


@pytest.mark.parametrize("name", ["banana", "meta", "cuda:77", "", "cpu:x", "lazy", "xla", "hpu"])
def test_a_device_that_computes_nothing(name):
    with pytest.raises(UsageError, match=r"the device '.*' cannot be used \(.*\); give device cpu"):
        check_device(name)


def test_the_processor_is_there():
    check_device("cpu")
