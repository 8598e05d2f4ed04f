"""The places where alerts go, one file each, found by their presence; `feed.output` says what one is."""

import importlib
import pkgutil

from runtime_monitor.feed import output

KINDS: dict[str, type[output.Settings]] = {
    module.name: importlib.import_module(f"{__name__}.{module.name}").Settings
    for module in pkgutil.iter_modules(__path__)
}
"""`type` in the configuration -> the settings of such an output."""
