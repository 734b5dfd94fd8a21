"""A code base that uses `dask.delayed` -> what becomes of each use, and the imports changed.

`sources` finds files and takes them apart into pieces of code; `bindings` finds what names of
a file are Dask's; `uses` says what becomes of them; `edits` changes text and nothing else;
`report` puts it together for the command line. Nothing is executed.
"""

from lazygraph.migrate.report import Summary, migrate

__all__ = ["Summary", "migrate"]
