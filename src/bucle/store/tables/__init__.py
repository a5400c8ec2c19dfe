"""One module a package: its columns, keys and indexes. Only the owning package imports its module."""
