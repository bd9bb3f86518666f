"""Every figure of the goals, each with its anchor measured beside it in the same run."""
