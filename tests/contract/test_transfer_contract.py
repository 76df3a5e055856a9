"""Every transfer estimator against every rule of the contract."""

from __future__ import annotations

from typing import Any

import pytest
from contract.transfer_estimators import ESTIMATORS

from eegtl.testing import check_transfer_estimator


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_every_rule_holds(name: str) -> None:
    estimator: Any = ESTIMATORS[name]
    check_transfer_estimator(estimator)
