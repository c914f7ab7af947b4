"""Faults planted for storms (tests/storm) still apply: each replaces text that is there once."""

import pytest

from milepost_cli.storm.verdict import RULES
from planted_fault import FAULTS, PlantedFault
from up_process import ROOT


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_planted_fault_applies(fault: PlantedFault) -> None:
    assert fault.edits
    assert fault.broken <= RULES.keys()
    for edit in fault.edits:
        assert edit.applied() != (ROOT / edit.file).read_text()
