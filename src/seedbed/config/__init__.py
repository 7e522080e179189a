"""From the words of a person to a checked, typed config; and the one place that builds objects."""
