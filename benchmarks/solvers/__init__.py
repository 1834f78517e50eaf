"""Time, accuracy, memory and warm starts of the solvers and of their peers."""
