"""Packages that bear the name of a function: both meanings work, everywhere."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import pkgutil
import pydoc
import subprocess
import sys
from types import FunctionType, ModuleType

import joblib
import pytest

import hpq_hls

NAMES = ("calibrate", "finetune", "quantize", "search")
CLASHES = [
    (name, module.name)
    for name in NAMES
    for module in pkgutil.iter_modules(importlib.import_module(f"hpq_hls.{name}").__path__)
]


def function(name: str) -> FunctionType:
    found = vars(sys.modules[f"hpq_hls.{name}"])[name]
    assert isinstance(found, FunctionType)
    return found


def test_these_are_all_that_clash() -> None:
    packages = {module.name for module in pkgutil.iter_modules(hpq_hls.__path__)}
    assert packages & set(hpq_hls.__all__) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_modules_inside_are_imported_as_anywhere(name: str) -> None:
    lines = [f"import hpq_hls.{name}.{module}" for clash, module in CLASHES if clash == name]
    uses = [f"assert hpq_hls.{name}.{module}.__doc__" for clash, module in CLASHES if clash == name]
    one = next(module for clash, module in CLASHES if clash == name)
    forms = [f"import hpq_hls.{name}.{one} as one", f"from hpq_hls.{name} import {one} as two"]
    program = "\n".join([*lines, *uses, *forms, "assert one is two", f"assert callable(hpq_hls.{name})"])
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("name", NAMES)
def test_the_package_is_in_its_place_and_callable(name: str) -> None:
    both = getattr(hpq_hls, name)
    assert both is sys.modules[f"hpq_hls.{name}"]
    assert isinstance(both, ModuleType)
    assert both.__name__ == f"hpq_hls.{name}"
    with pytest.raises(TypeError, match=rf"^{name}\(\) missing \d required positional argument"):
        both()


@pytest.mark.parametrize("name", NAMES)
def test_people_and_tools_see_the_function(name: str) -> None:
    both = getattr(hpq_hls, name)
    assert inspect.signature(both) == inspect.signature(function(name))
    assert "progress" in inspect.signature(both).parameters or name in ("calibrate", "quantize")
    assert both.__doc__ == function(name).__doc__
    assert inspect.getsource(inspect.unwrap(both)).startswith(f"def {name}(")
    shown = pydoc.render_doc(both, renderer=pydoc.plaintext)
    assert function(name).__doc__.splitlines()[0] in shown
    assert f"{name}(" in shown
    assert all(parameter in shown for parameter in inspect.signature(both).parameters)


@pytest.mark.parametrize("name", NAMES)
def test_it_travels_to_other_processes(name: str) -> None:
    both = getattr(hpq_hls, name)
    assert pickle.loads(pickle.dumps(both)) is both
    assert copy.deepcopy(both) is both
    (seen,) = joblib.Parallel(n_jobs=2)(joblib.delayed(_called)(each) for each in [both])
    assert f"{name}() missing" in seen


def _called(anything: object) -> str:
    try:
        return str(anything())  # type: ignore[operator]
    except TypeError as error:
        return str(error)


def test_a_call_is_a_call() -> None:
    with pytest.raises(TypeError, match=r"^quantize\(\) got an unexpected keyword argument 'nothing'"):
        hpq_hls.quantize(None, None, nothing=1)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        hpq_hls.search.nothing  # type: ignore[attr-defined] # noqa: B018
