"""The campaign behind the guide on reliability: random problems, samples, damage and interruptions.

``make fuzz``, or ``python -m benchmarks.fuzz --help``. Nothing here is judged by the library's own
residuals: see `benchmarks.fuzz._judge`.
"""
