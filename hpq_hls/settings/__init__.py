"""project.yaml and precision files: read, checked, and every error with its key and line."""
