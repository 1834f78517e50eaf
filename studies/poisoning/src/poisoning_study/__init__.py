"""What clean-label contamination does to a traffic-sign classifier, and whether it is noticed."""

from poisoning_study.errors import StudyError

__version__ = "0.1.0"

__all__ = ["StudyError", "__version__"]
