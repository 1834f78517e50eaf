"""The one exception of this package that is meant for the user."""

from __future__ import annotations


class StudyError(ValueError):
    """Something the user can mend: the message says what is wrong, where, and what to do."""
