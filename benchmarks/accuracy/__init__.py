"""Accuracy of map estimators against families with known truth."""
