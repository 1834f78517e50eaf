"""The literature's methods, each as published."""
