"""villagecall (村能办): an errand with the county government, finished in the village."""

__version__ = "0.1.0"
