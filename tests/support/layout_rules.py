"""The rules of the package's layout, each a function from a package's folder to its violations."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import paretoprune

PACKAGE = "paretoprune"
ROOT = Path(paretoprune.__file__).parent

LAYERS = (
    ("errors", "_version", "_sweep_options"),
    ("study", "pruning"),
    ("problem", "analysis"),
    ("training", "search", "export"),
    ("runner",),
    ("report",),
    ("api", "cli"),
    ("__init__", "__main__"),
)
LIBRARIES = {  # where each may be imported
    "typer": ("cli",),
    "rich": ("report.terminal", "cli"),
    "matplotlib": ("report.plots",),
    "pymoo": ("analysis",),
    "pyarrow": ("study.storage",),
    "safetensors": ("study.storage",),
    "torch_pruning": ("pruning.compaction",),
    "ray": ("runner.executors.ray",),
    "onnx": ("export",),
    "onnxruntime": ("export",),
    "jinja2": ("report.html",),
}
PRINTS = ("print", "sys.stdout.write", "sys.stderr.write")
PRINTING = ("report", "cli", "__main__")
# What the report may load: data and events, never what trains, exports or sweeps.
READ_BY_THE_REPORT = (
    *("errors", "_version", "study", "analysis", "report", "runner.events"),
    "training.methods",  # the table: labels of methods, and how they are drawn
)
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "base", "core"}
MOST_ROOT_ENTRIES, MOST_ENTRIES = 12, 16
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 300, 50
LONGEST_CHAIN = 19
TWICE = {"__init__"}  # names of modules that may occur more than once


def files_of(root: Path) -> list[Path]:
    return sorted(root.rglob("*.py"))


def module_of(path: Path, root: Path) -> str:
    """`paretoprune/search/sandwich.py` -> `search.sandwich`; a package has its folder's name."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "__init__"


@cache
def _tree(text: str) -> ast.Module:
    return ast.parse(text)


def tree_of(path: Path) -> ast.Module:
    """Files of equal text, as those of a copy of the package are, are parsed once."""
    return _tree(path.read_text())


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def statements(node: ast.AST, *, with_types: bool = True) -> Iterator[ast.AST]:
    """All nodes, those of functions too; without what only type checkers read, if asked for."""
    for child in ast.iter_child_nodes(node):
        if with_types or not is_for_types(child):
            yield child
            yield from statements(child, with_types=with_types)


def imports_of(path: Path, *, with_types: bool = True) -> set[str]:
    """Everything that a file imports: modules, and names of modules with a dot before them."""
    found = set()
    for node in statements(tree_of(path), with_types=with_types):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def ours(path: Path, *, with_types: bool = True) -> set[str]:
    """What a file imports of the package, without the package's name."""
    found = imports_of(path, with_types=with_types)
    inner = {name.removeprefix(f"{PACKAGE}.") for name in found if name.startswith(f"{PACKAGE}.")}
    return inner | ({"__init__"} if PACKAGE in found else set())


def is_in(module: str, places: tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def layer_of(module: str) -> int:
    top = module.split(".")[0]
    found = [number for number, layer in enumerate(LAYERS) if top in layer]
    # a public name of the package itself, such as `paretoprune.sweep`
    return found[0] if found else len(LAYERS) - 1


def climbing_imports(root: Path) -> list[str]:
    """Rule 1: a folder imports from lower layers only, and not from its neighbours."""
    found = []
    for path in files_of(root):
        module = module_of(path, root)
        for name in sorted(ours(path)):
            same = module.split(".")[0] == name.split(".")[0]
            if not same and layer_of(name) >= layer_of(module):
                found.append(f"{module} imports {name}")
    return found


def strange_entries(root: Path) -> list[str]:
    """Rule 1: every entry of the root has a layer."""
    known = {entry for layer in LAYERS for entry in layer}
    names = {path.stem for path in entries_of(root)}
    return sorted(names - known)


def libraries_astray(root: Path) -> list[str]:
    """Rule 3: one home for each library."""
    return [
        f"{module_of(path, root)} imports {name}"
        for path in files_of(root)
        for name in sorted(imports_of(path))
        for library, homes in LIBRARIES.items()
        if is_in(name, (library,)) and not is_in(module_of(path, root), homes)
    ]


def printing_modules(root: Path) -> list[str]:
    """Rule 4: only `report` and `cli` print."""
    found = []
    for path in files_of(root):
        if is_in(module_of(path, root), PRINTING):
            continue
        for node in ast.walk(tree_of(path)):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in PRINTS:
                found.append(f"{module_of(path, root)} calls {called}")
    return found


def work_in_the_report(root: Path) -> list[str]:
    """Rule 5: `report` starts no work, so it loads nothing that could."""
    return [
        f"{module_of(path, root)} imports {name}"
        for path in files_of(root)
        if is_in(module_of(path, root), ("report",))
        for name in sorted(ours(path, with_types=False))
        if not is_in(name, READ_BY_THE_REPORT)
    ]


def entries_of(folder: Path) -> list[Path]:
    """The modules and folders in a folder that are public."""
    return [
        path
        for path in sorted(folder.iterdir())
        if not path.name.startswith(("_", "."))
        and (path.suffix == ".py" or (path / "__init__.py").is_file())
    ]


def crowded_folders(root: Path) -> list[str]:
    """Rule 6: so many entries and no more."""
    folders = [root, *(path.parent for path in files_of(root) if path.stem == "__init__")]
    return [
        f"{folder.name} has {len(entries_of(folder))} entries"
        for folder in dict.fromkeys(folders)
        if len(entries_of(folder)) > (MOST_ROOT_ENTRIES if folder == root else MOST_ENTRIES)
    ]


def repeated_names(root: Path) -> list[str]:
    """Rule 6: a module's name occurs once; a folder and its main module may share one."""
    seen: dict[str, str] = {}
    found = []
    for path in files_of(root):
        module = module_of(path, root)
        if path.stem in TWICE or is_in(module, ("cli", "report.terminal")):
            continue
        if path.stem in seen:
            found.append(f"{module} and {seen[path.stem]}")
        seen[path.stem] = module
    return found


def large_files(root: Path) -> list[str]:
    """Rule 7: the sizes of files and functions, and no drawers.

    Of a command only the body counts: its signature is the declaration of its options.
    """
    found = []
    for path in files_of(root):
        module, text = module_of(path, root), path.read_text()
        if path.stem in DRAWERS or path.parent.stem in DRAWERS:
            found.append(f"{module} is a drawer")
        if len(text.splitlines()) > MOST_LINES:
            found.append(f"{module} has {len(text.splitlines())} lines")
        for node in ast.walk(tree_of(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                start = node.body[0].lineno if module == f"cli.{node.name}" else node.lineno
                if (node.end_lineno or start) - start >= MOST_LINES_OF_A_FUNCTION:
                    found.append(f"{module}.{node.name} is long")
    return found


def asking_docstrings(root: Path) -> list[str]:
    """Rule 8: the first line of a docstring is a statement."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = []
    for path in files_of(root):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, kinds):
                first = (ast.get_docstring(node) or "").partition("\n")[0]
                if "?" in first:
                    found.append(f"{module_of(path, root)}: {first}")
    return found


def public_names(init: Path) -> set[str] | None:
    """What the `__all__` of a package lists; `None` where it has none."""
    for node in tree_of(init).body:
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if any(isinstance(one, ast.Name) and one.id == "__all__" for one in targets):
            assert isinstance(node, (ast.Assign, ast.AnnAssign))
            return set(ast.literal_eval(node.value))  # type: ignore[arg-type]
    return None


def private_imports(root: Path) -> list[str]:
    """Rule 9: from outside a package only what its `__all__` lists is imported."""
    public = {
        module_of(path, root): public_names(path)
        for path in files_of(root)
        if path.stem == "__init__" and path.parent != root
    }
    found = [f"{package} has no __all__" for package, names in public.items() if names is None]
    for path in files_of(root):
        module = module_of(path, root)
        for name in sorted(ours(path)):
            parts = name.split(".")
            for depth in range(1, len(parts)):
                package, entry = ".".join(parts[:depth]), parts[depth]
                inside = module == package or module.startswith(f"{package}.")
                if inside or package not in public:
                    continue
                if entry not in (public[package] or ()):
                    found.append(f"{module} imports {name}, which {package} does not list")
            if (
                any(
                    part.startswith("_") and part.strip("_") and not part.startswith("__")
                    for part in parts[1:]
                )
                and parts[0] != module.split(".")[0]
            ):
                found.append(f"{module} imports {name}, which is private")
    return found


def longest_chain(root: Path) -> list[str]:
    """The longest chain of imports, file by file, those of type checkers left out."""
    modules = {module_of(path, root): path for path in files_of(root)}

    def target(name: str) -> str | None:
        while name not in modules and "." in name:
            name = name.rpartition(".")[0]
        return name if name in modules else None

    edges = {
        module: {target(name) for name in ours(path, with_types=False)} - {module, None}
        for module, path in modules.items()
    }

    chains: dict[str, list[str]] = {}
    for module in TopologicalSorter(edges).static_order():  # raises where there is a cycle
        below = max((chains[name] for name in edges[module]), key=len, default=[])
        chains[module] = [module, *below]
    return max(chains.values(), key=len)


def long_chains(root: Path) -> list[str]:
    """The longest chain of imports has so many files and no more."""
    chain = longest_chain(root)
    return [" > ".join(chain)] if len(chain) > LONGEST_CHAIN else []
