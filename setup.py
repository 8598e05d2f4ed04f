"""Builds the kernel's programs into the wheel; everything else about the package stands in pyproject.toml.

In: the C sources of `runtime_monitor/bpf` and a compiler, see `runtime_monitor.bpf.build`. Out: a wheel of this
platform (its objects have the byte order of the machine, and it calls libbpf.so.1) that needs no compiler where it is
installed. Called by setuptools. Where the monitor's sources are left out, as in the webhook's image, nothing is built.
"""

import importlib.util
from pathlib import Path

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

_BUILD = Path(__file__).parent / "runtime_monitor" / "bpf" / "build.py"


class BuildWithPrograms(build_py):
    """Compiles before package data is collected; an editable install is built by `make setup`."""

    def run(self) -> None:
        """Build the objects, then what setuptools builds."""
        if _BUILD.exists() and not self.editable_mode:
            # By its path: importing it as a member of its package would need the libraries of the package.
            spec = importlib.util.spec_from_file_location("bpf_build", _BUILD)
            if spec is None or spec.loader is None:
                raise RuntimeError(f"{_BUILD} cannot be imported")
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            module.build()
        super().run()


class PlatformWheel(bdist_wheel):
    """For any Python 3 of one platform: there is no extension module, but the objects are not pure either."""

    def finalize_options(self) -> None:
        """See setuptools: a wheel that is not pure goes to the platform's folder."""
        super().finalize_options()
        self.root_is_pure = not _BUILD.exists()

    def get_tag(self) -> tuple[str, str, str]:
        """`py3-none-linux_x86_64`."""
        _, _, platform = super().get_tag()
        return "py3", "none", platform


setup(cmdclass={"build_py": BuildWithPrograms, "bdist_wheel": PlatformWheel})
