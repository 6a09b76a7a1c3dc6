"""Pages that people look at, made on the server from the queries that documents are made from.

How to write one:

1. A module with a function from `Ask` to `Content` and `PAGE = Page(path, function, nav=name)`
   (`overview.py` is an example); its line in `PAGES` of `routes.py`. Names in a path:
   `/models/{name}` gives `ask.path["name"]`, which `name_of` reads and `path_part` writes.
2. `ask.reader` is the warehouse, `ask.scope` what the address says (window, zone, chosen names,
   `scope.options()` for usage documents), `ask.address` makes links: `here(sort="x")` keeps
   everything, `there("/rows", in_day=day)` takes window and filters along, `value("by")` reads a
   parameter of the page's own. What takes long goes through `ask.kept(key, make)`.
3. Numbers go into a `Table` (typed columns, links of cells, `total`, `sql`, `asset`); HTML, sorting
   and downloads follow. A `Chart` is a specification (`charts.py`) with the `Table` that says the
   same: charts without one do not exist. Text from archives is shown with kind `name`, or through
   `formats.name`; templates escape.
4. A page without a template of its own is figures, remarks, charts and tables from top to bottom.
   One with its own extends `page.html` and replaces the block `body`; `parts.html` has the macros.
   A table of one of many pages sorts in its query: `is_sorted=True`, `sorts`, `next_href`.
5. Nothing there: raise `NotThereError`. An address that cannot be used: `UsageError`.

Colours are names of `static/page.css`. Scripts draw charts and do nothing else.
"""
