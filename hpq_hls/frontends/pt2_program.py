"""The description of an exported program, reduced to what is only data.

torch.export.load turns the JSON of a .pt2 file into Python: symbolic sizes are evaluated as expressions,
names are written into source code that is compiled, operators are looked up by dotted paths, and trees of
arguments may name modules to import. A file from elsewhere must not decide any of that, so what goes to torch
is checked here first: everything that is not known to be harmless is refused, and what hpq_hls does not need
left out.
"""

from __future__ import annotations

import ast
import json
import keyword
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from hpq_hls.errors import DataError, UnsupportedOperatorError
from hpq_hls.ops.spelling import TORCH

MAX_EXPRESSION = 2000
"""Characters of a symbolic size."""
MAX_POWERS, MAX_EXPONENT = 4, 8
"""Of a symbolic size: towers of powers take forever."""
_SYMBOL = re.compile(r"[a-z]{1,4}\d{1,4}")
_PLAIN = re.compile(r"[\w.\-:/+ ]{0,300}")
_FRAME = re.compile(r'File "([^"\n\r]{1,500})", line (\d{1,7})')
_FUNCTION = re.compile(
    "Symbol|Integer|Float|Rational|Identity|Add|Mul|Pow|Mod|PythonMod|FloorDiv|CeilDiv|CleanDiv|IntTrueDiv|"
    "FloatTrueDiv|ModularIndexing|Where|CeilToInt|FloorToInt|TruncToInt|RoundToInt|ToFloat|TruncToFloat|Min|Max|"
    "And|Or|Not|Equality|Unequality|LessThan|StrictLessThan|GreaterThan|StrictGreaterThan|Eq|Ne|Le|Lt|Ge|Gt|"
    "BooleanTrue|BooleanFalse"
)
_CONSTANTS = frozenset(("True", "False", "None", "true", "false", "oo", "int_oo"))
_NODES = (
    *(ast.Expression, ast.UnaryOp, ast.USub, ast.UAdd, ast.BinOp, ast.Compare, ast.Load, ast.keyword),
    *(ast.operator, ast.cmpop),
)
_ASSUMPTIONS = frozenset(("positive", "integer", "nonnegative", "real", "finite", "negative", "evaluate"))
_PYTHON = re.compile(
    r"_operator\.(eq|ne|le|ge|lt|gt|neg|pos|mul|add|sub|floordiv|mod|truediv|pow|and_|or_|getitem)|"
    r"math\.(trunc|ceil|floor)|torch\.sym_(not|int|float|ite|max|min|sqrt)"
)
_HIGHER = frozenset(("wrap_with_set_grad_enabled", "wrap_with_autocast", "cond", "tag_activation_checkpoint"))
_OPERATOR = re.compile(r"torch\.ops\.([A-Za-z]\w*)\.(\w+)(?:\.(\w+))?")
_WORD = re.compile(
    "equation|approximate|rounding_mode|mode|padding_mode|pad_mode|side|reduce|norm|padding|indexing|UPLO|driver|"
    "ord|assert_msg|msg"
)
"""Arguments of torch's operators that are words. An operator with another one may name a file."""
_TREES = frozenset(("builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict"))


def plain_program(text: bytes) -> bytes:
    """The same program with nothing in it that torch would run, for torch to read.

    Raises:
        DataError: it is no program, or is one that torch cannot read without running part of it.
        UnsupportedOperatorError: it calls what is no operator.
    """
    try:
        program = json.loads(text)
        module = program["graph_module"]
        _graph(module["graph"])
        _checked(module["signature"])
        module["module_call_graph"] = [
            _call(entry) for entry in module["module_call_graph"] if entry["fqn"] == ""
        ]
        module["metadata"], module["treespec_namedtuple_fields"] = {}, {}
        program["guards_code"] = []
        for symbol in program["range_constraints"]:
            if not _SYMBOL.fullmatch(symbol):
                _refuse(f"it has a size called {symbol!r:.60}")
        _checked(program["range_constraints"], program["opset_version"], program["verifiers"])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, MemoryError) as error:
        raise DataError(f"its description of the network is damaged ({_brief(error)})") from error
    return json.dumps(program).encode()


def _brief(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:100]}".rstrip(": ")


def _refuse(what: str) -> NoReturn:
    raise DataError(f"{what}, which torch would run as code")


def _graph(graph: dict[str, Any]) -> None:
    """Check a graph, and every graph inside of it, and leave out of its nodes what only debuggers want."""
    if graph.get("custom_obj_values"):
        raise DataError("it holds Python objects, which are never unpickled")
    for node in graph["nodes"]:
        _operator(node["target"])
        node["metadata"] = _metadata(node.get("metadata") or {})
    for key in ("tensor_values", "sym_int_values", "sym_bool_values", "sym_float_values"):
        for name in graph.get(key) or {}:
            _identifier(name)
    nodes, rest = graph["nodes"], {key: value for key, value in graph.items() if key != "nodes"}
    _checked(rest)
    for node in nodes:
        others = {key: value for key, value in node.items() if key not in ("target", "metadata")}
        _checked(others)


def _checked(*values: Any) -> None:
    """Check all text inside of plain data by the key that it stands under."""
    for value in values:
        if isinstance(value, Mapping):
            for key, held in value.items():
                if not isinstance(key, str) or not _PLAIN.fullmatch(key):
                    _refuse(f"it has a name {key!r:.60}")
                if key == "as_graph":
                    _identifier(held["name"])
                    _graph(held["graph"])
                elif key in _BY_KEY:
                    _each(held, _BY_KEY[key])
                else:
                    _checked(held)
        elif isinstance(value, list):
            _checked(*value)
        elif isinstance(value, str) and not _PLAIN.fullmatch(value):
            _refuse(f"it has the text {value!r:.60}")


def _each(held: Any, check: Callable[[str], object]) -> None:
    if isinstance(held, str):
        check(held)
    elif held is not None and not isinstance(held, bool):
        _checked(held)


def _identifier(name: str) -> None:
    """Names of values become names of variables. Empty ones stand for nothing."""
    if name and (not name.isidentifier() or keyword.iskeyword(name)):
        _refuse(f"it has a value called {name!r:.60}")


def _anything(_text: str) -> None:
    """Text that torch only ever writes as a quoted constant, or looks up."""


def _no_object(_name: str) -> None:
    raise DataError("it holds Python objects, which are never unpickled")


def _argument(name: str) -> None:
    """Of an operator: ``self`` and ``from`` too."""
    if name and not name.isidentifier():
        _refuse(f"it has an argument called {name!r:.60}")


def _expression(text: str) -> None:
    """A symbolic size is evaluated as Python: only arithmetic on sizes is let through."""
    try:
        tree = ast.parse(text if len(text) <= MAX_EXPRESSION else "", mode="eval")
        items = list(ast.walk(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        items = []
    fine = bool(items) and all(map(_is_arithmetic, items))
    calls = [item for item in items if isinstance(item, ast.Call)]
    powers = [item for item in calls if isinstance(item.func, ast.Name) and item.func.id == "Pow"]
    if not fine or len(powers) > MAX_POWERS or not all(map(_is_small_power, powers)):
        _refuse(f"it has the size {text!r:.60}")


def _is_arithmetic(item: ast.AST) -> bool:
    if isinstance(item, ast.Call):
        name = isinstance(item.func, ast.Name) and bool(_FUNCTION.fullmatch(item.func.id))
        return name and all(given.arg in _ASSUMPTIONS for given in item.keywords)
    if isinstance(item, ast.Name):
        return item.id in _CONSTANTS or bool(_FUNCTION.fullmatch(item.id) or _SYMBOL.fullmatch(item.id))
    if isinstance(item, ast.Constant):
        value = item.value
        if isinstance(value, str):  # the name of a symbol, or the digits of a number
            return bool(_SYMBOL.fullmatch(value) or re.fullmatch(r"-?\d{1,19}(\.\d{0,19})?", value))
        return value is None or isinstance(value, (bool, float)) or _is_small(value)
    return isinstance(item, _NODES) and not isinstance(item, (ast.Pow, ast.LShift, ast.RShift))


def _is_small(value: object) -> bool:
    return isinstance(value, int) and abs(value) < 1 << 63


def _is_small_power(call: ast.Call) -> bool:
    numbers = [item.value for item in ast.walk(call.args[1]) if isinstance(item, ast.Constant)]
    return len(call.args) == 2 and all(isinstance(n, int) and abs(n) <= MAX_EXPONENT for n in numbers)


def _operator(target: str) -> None:
    """An operator is what torch or an extension has registered as one; any other path could be a function."""
    found = _OPERATOR.fullmatch(target)
    if found is None:
        if not _PYTHON.fullmatch(target):
            _no_operator(target)
        return
    space, name, overload = found.groups()
    if space == "higher_order":
        if name not in _HIGHER or overload is not None:
            _no_operator(target)
        return
    known = space in ("aten", "prims") or any(entry.startswith(f"{space}.") for entry in TORCH)
    if not known or not _is_registered(space, name, overload or "default"):
        _no_operator(target)


def _is_registered(space: str, name: str, overload: str) -> bool:
    """Whether it is an operator of tensors, none that takes the name of a file."""
    import torch

    packet = getattr(getattr(torch.ops, space), name, None)
    if not isinstance(packet, torch._ops.OpOverloadPacket) or overload not in packet.overloads():  # type: ignore[no-untyped-call]
        return False
    arguments = getattr(packet, overload)._schema.arguments
    return all(_WORD.fullmatch(item.name) for item in arguments if "str" in str(item.type))


def _no_operator(target: str) -> NoReturn:
    raise UnsupportedOperatorError(
        f"it calls {target!r:.80}, which is no operator of torch, nor of an extension that is listed under "
        "extensions in project.yaml"
    )


_BY_KEY: dict[str, Callable[[str], object]] = {
    "name": _argument,
    "as_name": _identifier,
    "expr_str": _expression,
    "as_string": _anything,
    "as_strings": _anything,
    "parameter_name": _anything,
    "buffer_name": _anything,
    "buffer_mutated_name": _anything,
    "tensor_constant_name": _anything,
    "as_custom_obj": _no_object,
    "custom_obj_name": _no_object,
    "class_fqn": _no_object,
    "as_operator": _operator,
}


def _metadata(held: Mapping[str, str]) -> dict[str, str]:
    """Where an operator came from, as far as messages say it."""
    kept = {}
    frames = _FRAME.findall(held.get("stack_trace") or "")
    if frames:
        kept["stack_trace"] = "\n".join(f'File "{file}", line {line}, in f' for file, line in frames)
    if _is_stack(str(held.get("nn_module_stack", ""))):
        kept["nn_module_stack"] = held["nn_module_stack"]
    if held.get("torch_fn"):
        kept["torch_fn"] = str(held["torch_fn"])
    return kept


def _is_stack(text: str) -> bool:
    """Whether torch can take modules apart: names with its own marks in them would be an error."""
    items = [re.sub(r"[(\[][^()\[\]]*[)\]]", "", item) for item in text.split(";")]
    return all(item.count(",") == 2 and not re.search(r"[()\[\]]", item) for item in items)


def _call(entry: Mapping[str, Any]) -> dict[str, Any]:
    """How the network is called: its arguments, as trees, and their names."""
    signature = entry["signature"]
    _checked(signature["inputs"], signature["outputs"])
    for key in ("in_spec", "out_spec"):
        for kind, context in _trees(json.loads(signature[key])[1]):
            if "__enum__" in context or kind == "collections.defaultdict" or not _is_tree(kind):
                _refuse(f"its arguments are a {kind!r:.60}")
            for text in _texts(json.loads(context) if context else None):
                if not text.isprintable() or any(mark in text for mark in "\"'\\{}"):
                    _refuse(f"it has an argument called {text!r:.60}")
    for name in _keywords(json.loads(signature["in_spec"])[1]):
        _identifier(name)
    for name in signature.get("forward_arg_names") or ():
        _identifier(name)
    return {"fqn": "", "signature": signature}


def _is_tree(kind: str) -> bool:
    """A container of Python's, or one that the user's own code has registered in this process."""
    return kind in _TREES or bool(re.fullmatch(r"[A-Za-z_][\w.]*", kind))


def _trees(tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Kind and context of every container in a tree."""
    if tree["type"] is not None:
        yield str(tree["type"]), str(tree["context"] or "")
    for child in tree["children_spec"]:
        yield from _trees(child)


def _texts(context: Any) -> Iterator[str]:
    if isinstance(context, str):
        yield context
    elif isinstance(context, list):
        for item in context:
            yield from _texts(item)
    elif isinstance(context, Mapping):
        for key, item in context.items():
            yield from _texts(key)
            yield from _texts(item)


def _keywords(tree: Mapping[str, Any]) -> list[str]:
    """Names of the keyword arguments of a call: the keys of the second half of its tree."""
    children = tree["children_spec"]
    return json.loads(children[1]["context"]) if len(children) == 2 and children[1]["context"] else []
