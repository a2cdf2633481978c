"""For programs that are not to depend on what whoever runs the tests has set."""

import os


def bare_environment(**variables):
    """These alone, with a usual PATH, and what a sanitizer that the programs are built with is told."""
    told = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
    return {"PATH": "/usr/bin:/bin", **told, **variables}
