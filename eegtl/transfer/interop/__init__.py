"""Transfer methods of other packages under our contract, and ours where MOABB evaluates."""

from .for_moabb import ForMoabb
from .from_pyriemann import FromPyriemann
from .from_skada import FromSkada, import_skada

__all__ = ["ForMoabb", "FromPyriemann", "FromSkada", "import_skada"]
