"""The errors and warnings of eegtl.

Every message says what is wrong, what came, and what to do.
All errors derive from `EegtlError`; those about values are also `ValueError`, so that
code written for scikit-learn catches them.
"""


class EegtlError(Exception):
    """Base of all errors raised by eegtl."""


class InputError(EegtlError, ValueError):
    """An argument or an array is not what the function takes."""


class DatasetError(EegtlError):
    """A data set, a card or a folder is unknown, missing or incomplete."""


class SubjectError(DatasetError):
    """One recording of one person cannot be used.

    Parameters
    ----------
    problem : str
        What is wrong, what came, what to do.
    file : str
        Name of the file (or of the recording, when there is no file).
    subject : str
        The person.
    """

    def __init__(self, problem: str, *, file: str, subject: str) -> None:
        super().__init__(problem, file, subject)
        self.problem = problem
        self.file = file
        self.subject = subject

    def __str__(self) -> str:
        return f"{self.file} (subject {self.subject}): {self.problem}"


class SignalError(InputError):
    """A signal, its rate, its channels or its bands cannot be processed."""


class InformationError(EegtlError):
    """A method asks for more of the target than the protocol grants."""


class CalibrationError(EegtlError, ValueError):
    """The calibration block lacks what the method needs (labels, rows, classes)."""


class ContractError(EegtlError, TypeError):
    """An estimator is used against the subject-transfer contract."""


class MemoryEstimateError(EegtlError, MemoryError):
    """The estimate made before a large allocation is above the limit."""


class MissingExtraError(EegtlError, ImportError):
    """A feature needs an optional dependency that is not installed."""


class StateError(EegtlError, ValueError):
    """A stored state holds something that is not on the whitelist."""


class ContainerError(EegtlError, ValueError):
    """A profile or source file is missing, foreign, damaged, or there already."""


class StreamError(EegtlError):
    """A stream cannot be found, read or understood."""


class StudyError(EegtlError):
    """A study cannot be started, continued or read."""


class EegtlWarning(UserWarning):
    """Base of all warnings given by eegtl."""


class SignalWarning(EegtlWarning):
    """Something about a signal was changed or left out; the message says what."""


class TransferWarning(EegtlWarning):
    """A transfer method does something else than its name suggests; the message says what."""
